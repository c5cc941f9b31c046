//! The tunnel: HTTP exchanges in credit-controlled frames on a WebSocket, the same code at both ends.
//!
//! ```text
//!  server                                                     worker
//!  Exchange ─▶ head ─▶ Mux ─▶ frames ─▶ Driver ═ WebSocket ═ Driver ─▶ Mux ─▶ Incoming ─▶ runtime
//!  ReplyBody ◀──────── Mux ◀─ frames ◀─ Driver ═════════════ Driver ◀─ Mux ◀─ Responder ◀─┘
//! ```
//!
//! Binary messages carry [`frame`]s, text messages [`control`]. [`mux`] is the pure state machine; [`Link`] is the handle of a tunnel, and
//! [`Driver`] the task that owns its socket. The wire format is described in `docs/tunnel.md`; what changes here changes there.

pub mod control;
mod driver;
mod exchange;
pub mod frame;
pub mod head;
mod incoming;
mod link;
pub mod mux;

pub use driver::{Driver, End, Event};
pub use exchange::{Exchange, ReplyBody};
pub use incoming::{Incoming, RequestBody, Responder, Stopped};
pub use link::{Link, Traffic};
