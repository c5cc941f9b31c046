//! Everything a worker does, and the tunnel that both ends speak.

pub mod config;
pub mod demo;
pub mod dial;
pub mod host;
pub mod logs;
pub mod paths;
pub mod runtime;
pub mod settings;
pub mod tls;
pub mod tunnel;
