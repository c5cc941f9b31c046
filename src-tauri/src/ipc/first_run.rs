//! The first run: from nothing to a request that was answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a join link says. The key in it stays with the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct JoinLink {
    /// Where workers dial.
    pub server_url: String,
    /// Whether a key came with it.
    pub has_key: bool,
}

/// A server to be tried.
#[derive(Clone, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Trial {
    /// Where workers dial.
    pub server_url: String,
    /// The key, as typed.
    pub key: Option<String>,
    /// Take the key of the last join link instead.
    pub use_link_key: bool,
}

/// A server that lets us in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServerTrial {
    /// Of its software.
    pub server_version: String,
    /// How long the whole handshake took, milliseconds.
    #[ts(type = "number")]
    pub latency_ms: u64,
    /// The address that clients of its OpenAI API use.
    pub endpoint_url: String,
}

/// A runtime on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct FoundRuntime {
    /// What it is, for programs.
    pub kind: String,
    /// What it is, for people.
    pub title: String,
    /// Where.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// What it has.
    pub models: Vec<String>,
    /// Those among it that are kept from the pool as it is.
    pub withheld: Vec<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// How this machine is set up already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct SetupNow {
    /// Whether it has a server: a link asks for another one then, and for nothing else.
    pub configured: bool,
    /// The runtime to use; nothing lets the worker find one.
    pub runtime_url: Option<String>,
    /// The worker's name, if it is not the machine's.
    pub name: Option<String>,
    /// Whether the system starts the app.
    pub start_at_login: bool,
    /// Whether it may notify of anything.
    pub notifications: bool,
}

/// What was changed in the first run. Nothing is as it was, an empty text is the default.
#[derive(Clone, Default, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Setup {
    /// Where workers dial.
    pub server_url: String,
    /// The key, as typed.
    pub key: Option<String>,
    /// Take the key of the last join link instead.
    pub use_link_key: bool,
    /// The runtime to use.
    pub runtime_url: Option<String>,
    /// The worker's name.
    pub name: Option<String>,
    /// Models that the pool may use from now on, or not any more.
    #[ts(type = "Record<string, boolean>")]
    pub switched: BTreeMap<String, bool>,
    /// Whether the system starts the app.
    pub start_at_login: Option<bool>,
    /// Whether it may notify.
    pub notifications: Option<bool>,
}

/// A request that went all the way round.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct TestAnswer {
    /// Who answered.
    pub model: String,
    /// What.
    pub text: String,
    /// Milliseconds until the first byte of it.
    #[ts(type = "number")]
    pub first_byte_ms: u64,
    /// How fast it was written.
    pub tokens_per_second: Option<f64>,
    /// Milliseconds in all.
    #[ts(type = "number")]
    pub total_ms: u64,
}
