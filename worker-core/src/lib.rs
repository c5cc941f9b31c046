//! Everything a worker does, and the tunnel that both ends speak.
pub mod demo;
pub mod dial;
pub mod host;
pub mod runtime;
pub mod tls;

/// The header by which every response of a llamapool server names its version.
pub const VERSION_HEADER: &str = "x-llamapool-version";
