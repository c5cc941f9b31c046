//! Logs: to the terminal, and to daily files if a folder is given.

mod config;

pub use self::config::{Config, Format};
