//! Everything a worker does, and the tunnel that both ends speak.

pub mod config;
pub mod logs;
pub mod paths;
pub mod settings;
