//! Logs, metrics and traces. All programs of the workspace use this crate, which depends only on the settings.
//!
//! | module | what it does |
//! |---|---|
//! | [`logs`] | log lines on standard error and in files; the log level can be changed while the program runs |
//! | [`metrics`] | Prometheus and OpenMetrics: series, histograms, a listener, the reference page |
//! | [`trace`] | spans of requests, exported over OTLP with the feature `otlp` |
//! | [`build`] | version, commit and date of the build |
//! | [`signals`], [`descriptors`] | stopping and reloading by signals; the limit of open files |
//! | [`tasks`] | background tasks whose panic ends the program |

pub mod descriptors;
pub mod logs;
pub mod metrics;
pub mod signals;
pub mod tasks;
pub mod trace;

pub use llamapool_settings::build;
