//! Handlers of the paths that are not relayed: health, the model list, the missing list of files, the state and its controls, join links, the log level, and metrics.

pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod join_link;
pub(crate) mod log_level;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod state;
