//! Everything a worker does, and the tunnel that both ends speak.
//!
//! [`worker`] is the face: a [`Worker`] is started with a [`config`] and lives until its handle is dropped. It dials the server ([`dial`]), speaks
//! the [`tunnel`] with it, relays what comes to the LLM [`runtime`] beside it (or to the built-in [`demo`]) and can be watched and steered on its
//! own machine. [`settings`], [`paths`], [`logs`], [`metrics`] and [`trace`] serve every program of the workspace.

pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(not(feature = "demo"))]
#[path = "demo_disabled.rs"]
mod demo;
#[cfg(feature = "doctor")]
pub mod doctor;
pub mod host;
pub mod join;
mod ledger;
mod relay;
#[cfg(feature = "doctor")]
pub mod report;
pub mod runtime;
pub mod usage;
pub mod worker;

pub use llamapool_settings::{self as settings, concern, paths};
pub use llamapool_telemetry::{descriptors, logs, metrics, signals, trace};
pub use llamapool_tunnel::{self as tunnel, dial, dial::VERSION_HEADER, tls};
#[cfg(feature = "update")]
pub use llamapool_update as update;

pub use worker::Worker;
