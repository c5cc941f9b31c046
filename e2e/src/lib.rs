//! Whole-system tests: the real `llamapool-server` and `llamapool-worker` as processes, everything else as fakes.
//!
//! - [`pool`]: the usual rig in one line: a server, a worker, and the LLM runtime beside it
//! - [`server`], [`worker`]: the binaries; [`process`]: what both are
//! - [`client`]: one HTTP exchange per connection, seen exactly, its end included
//! - [`fake_llm`]: a runtime that is slow, chatty, dying or wrong, as asked, and remembers what it saw
//! - [`raw_runtime`]: a runtime over raw sockets, each of whose connections the test has in hand
//! - [`cut`]: a TCP relay that cuts and stalls; [`connect_proxy`], [`tls_front`], [`nginx`]: what stands between
//! - [`peer`]: a worker that says exactly what the test tells it to
//! - [`recording`]: a recorded conversation between a worker and a server, to be played again against newer ones
//! - [`releases`]: where newer versions are fetched
//! - [`llama_cpp`]: a real runtime; [`promtool`]: what checks metrics; [`otlp`]: a receiver of traces
//! - [`stage`]: a pool for a play in a browser; [`desktop`]: the tray app on a screen and a desktop of its own, which the test is (Linux)
//!
//! Nothing here sleeps for a time it hopes to be long enough: [`wait`] waits for conditions, with a deadline.

pub mod client;
pub mod connect_proxy;
pub mod cut;
#[cfg(target_os = "linux")]
pub mod desktop;
pub mod fake_llm;
pub mod llama_cpp;
pub mod nginx;
pub mod otlp;
pub mod peer;
pub mod pool;
pub mod process;
pub mod promtool;
pub mod raw_runtime;
pub mod recording;
pub mod releases;
pub mod server;
pub mod stage;
pub mod tls_front;
pub mod wait;
pub mod worker;

pub use client::{Ask, Reply, Whole, chat, plain_chat};
pub use cut::Cut;
pub use fake_llm::{End, FakeLlm, Pace, Script};
pub use otlp::Otlp;
pub use pool::{MODEL, Pool};
pub use releases::Releases;
pub use server::Server;
pub use stage::Stage;
pub use wait::{holds, millis, secs, until, until_within};
pub use worker::Worker;
