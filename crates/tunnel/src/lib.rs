//! The tunnel between a server and the machines that dial in: HTTP exchanges in credit-controlled frames on a WebSocket, the same code at both
//! ends. This crate knows neither workers nor the server.
//!
//! ```text
//!  server                                                     worker
//!  Exchange ─▶ head ─▶ Mux ─▶ frames ─▶ Driver ═ WebSocket ═ Driver ─▶ Mux ─▶ Incoming ─▶ runtime
//!  ReplyBody ◀──────── Mux ◀─ frames ◀─ Driver ═════════════ Driver ◀─ Mux ◀─ Responder ◀─┘
//! ```
//!
//! # Layout
//!
//! | module | what it does |
//! |---|---|
//! | [`control`], [`model`], [`lenient`] | the JSON messages and their types, and how they are read and limited |
//! | [`frame`], [`head`] | the binary messages: frames, and HTTP heads inside them |
//! | [`mux`] | the multiplexer: a pure state machine that knows no sockets |
//! | [`Link`], [`Driver`] | the handle of a tunnel, and the task that owns its socket |
//! | [`Exchange`], [`Incoming`] | one request, as the opener and the acceptor see it |
//! | [`dial`], [`tls`] | from a URL to an open WebSocket: TCP, proxy, TLS, handshake |
//! | [`reconnect`] | the loop that keeps a connection up |
//!
//! Binary messages carry frames, text messages control. `docs/tunnel.md` describes the wire format; change both together.

pub mod control;
pub mod dial;
mod driver;
mod exchange;
pub mod frame;
pub mod head;
mod host;
mod incoming;
pub mod lenient;
mod link;
pub mod model;
pub mod mux;
pub mod reconnect;
mod runtime_kind;
pub mod tls;

pub use driver::{Driver, End, Event};
pub use exchange::{Exchange, ReplyBody};
pub use host::Host;
pub use incoming::{Incoming, RequestBody, Responder, Stopped};
pub use link::{Link, Traffic};
pub use model::Model;
pub use runtime_kind::{RuntimeKind, UnknownKind};
