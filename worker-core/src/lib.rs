//! Everything a worker does, and the tunnel that both ends speak.

pub mod demo;
pub mod dial;
pub mod host;
pub mod runtime;
pub mod tls;
pub mod tunnel;
