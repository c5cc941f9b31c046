//! The first run: connecting to a server, choosing models, and a test request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A join link, without its key, which stays with the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct JoinLink {
    /// The URL that workers connect to.
    pub server_url: String,
    /// Whether the link contains a key.
    pub has_key: bool,
}

/// A server to test.
#[derive(Clone, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Trial {
    /// The URL that workers connect to.
    pub server_url: String,
    /// The key, as typed.
    pub key: Option<String>,
    /// Use the key of the last join link instead.
    pub use_link_key: bool,
}

/// A server that accepted the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServerTrial {
    /// The server's version.
    pub server_version: String,
    /// Duration of the whole handshake, milliseconds.
    #[ts(type = "number")]
    pub latency_ms: u64,
    /// Base URL of its OpenAI-compatible API.
    pub endpoint_url: String,
}

/// A runtime found on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct FoundRuntime {
    /// The kind of the runtime, for programs.
    pub kind: String,
    /// The name of the runtime, for people.
    pub title: String,
    /// Its URL.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// Its models.
    pub models: Vec<String>,
    /// Those of its models that are currently hidden.
    pub withheld: Vec<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// How this computer is currently set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct SetupNow {
    /// Whether a server is configured. If so, a join link only replaces the server.
    pub configured: bool,
    /// The URL of the runtime; `None` to detect it.
    pub runtime_url: Option<String>,
    /// The worker's name, if it is not the host name.
    pub name: Option<String>,
    /// Whether the app starts at login.
    pub start_at_login: bool,
    /// Whether notifications are on.
    pub notifications: bool,
}

/// The changes made in the first run. `None` means no change, an empty text means the default.
#[derive(Clone, Default, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Setup {
    /// The URL that workers connect to.
    pub server_url: String,
    /// The key, as typed.
    pub key: Option<String>,
    /// Use the key of the last join link instead.
    pub use_link_key: bool,
    /// The URL of the runtime.
    pub runtime_url: Option<String>,
    /// The worker's name.
    pub name: Option<String>,
    /// Models that were turned on or off for sharing.
    #[ts(type = "Record<string, boolean>")]
    pub switched: BTreeMap<String, bool>,
    /// Whether the app starts at login.
    pub start_at_login: Option<bool>,
    /// Whether notifications are on.
    pub notifications: Option<bool>,
}

/// The response to a test request.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct TestAnswer {
    /// The model that responded.
    pub model: String,
    /// Its response.
    pub text: String,
    /// Time to the first byte of the response, milliseconds.
    #[ts(type = "number")]
    pub first_byte_ms: u64,
    /// Output tokens per second.
    pub tokens_per_second: Option<f64>,
    /// Total time, milliseconds.
    #[ts(type = "number")]
    pub total_ms: u64,
}
