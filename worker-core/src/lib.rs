//! Everything a worker does. [`Worker::start`] runs one; it lives until its handle is dropped.
//!
//! # Layout, in the order of the data
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | the worker's settings |
//! | [`worker`] | the running worker: connection and sessions, monitoring of the runtime, status, local API |
//! | `relay` | passes requests from the tunnel to the runtime, and responses back |
//! | [`runtime`] | the LLM runtime: detection, listing, hidden models |
//! | `ledger`, [`usage`] | requests in flight, counters, load; token counts in responses |
//! | `demo` | a built-in runtime that echoes (feature `demo`) |
//! | [`invitation`] | links that let a worker join a pool |
//! | [`host`] | facts about this machine |
//! | `doctor`, `report` | diagnostics, and a support report (feature `doctor`) |
//!
//! Below it are the crates for settings, the tunnel, telemetry and updates.

pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(not(feature = "demo"))]
#[path = "demo_disabled.rs"]
mod demo;
#[cfg(feature = "doctor")]
pub mod doctor;
pub mod host;
pub mod invitation;
mod ledger;
pub mod relay;
#[cfg(feature = "doctor")]
pub mod report;
pub mod runtime;
pub mod usage;
pub mod worker;

pub use worker::Worker;
