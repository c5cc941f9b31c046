//! The tunnel with both its ends, over real WebSockets on real TCP connections: what holds when bodies are large, streams are many, readers are
//! slow, clients leave and cables break.

#![expect(clippy::unwrap_used, reason = "what cannot go on fails the test")]

mod bodies;
mod cancel;
mod cut;
mod drain;
mod early;
mod held;
mod lengths;
mod pressure;
mod script;
mod stress;
mod support;
mod violation;
