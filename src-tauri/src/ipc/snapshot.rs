//! The worker's state as windows, menu and icon show it: one value, made in one place (`snapshot.rs` of the crate).

use serde::Serialize;
use ts_rs::TS;

use super::PausedBy;

/// Everything that is shown of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Snapshot {
    /// The state, as one word.
    pub phase: Phase,
    /// The state, as one line: the first row of the menu.
    pub headline: String,
    /// Where the worker runs.
    pub mode: Mode,
    /// The worker's identity.
    pub worker: WorkerView,
    /// The server that it connects to.
    pub server: ServerView,
    /// Seconds until the next attempt to connect or to start the worker.
    #[ts(type = "number | null")]
    pub reconnect_in_s: Option<u64>,
    /// Number of running requests.
    pub running: u32,
    /// Maximum number of concurrent requests.
    pub max_concurrency: u32,
    /// The LLM runtime next to the worker.
    pub runtime: RuntimeView,
    /// The runtime's models.
    pub models: Vec<ModelView>,
    /// Running requests, oldest first.
    pub live: Vec<LiveRequest>,
    /// Totals since midnight.
    pub today: Today,
    /// The current problem.
    pub trouble: Option<Trouble>,
    /// When sharing resumes automatically, Unix milliseconds. `None` in the phase `paused` means: when the user resumes it.
    #[ts(type = "number | null")]
    pub paused_until: Option<u64>,
    /// The rule that pauses sharing, unless the user has paused it as well.
    pub paused_by: Option<PausedBy>,
    /// The worker's last crash.
    pub crash: Option<Crash>,
    /// The state of app updates.
    pub update: UpdateView,
}

/// The state, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Phase {
    /// No server is configured yet.
    Unconfigured,
    /// The worker was stopped.
    Stopped,
    /// Connecting to the server.
    Connecting,
    /// No connection; waiting for the next attempt.
    Waiting,
    /// The server rejected the worker; something has to be changed first.
    Refused,
    /// Connected, but the runtime does not respond.
    NotReady,
    /// Accepts requests.
    Ready,
    /// Accepts requests, and some are running.
    Busy,
    /// Finishes current requests and accepts no new ones.
    Draining,
    /// Accepts no new requests for a while.
    Paused,
    /// Finishes current requests, then stops.
    Terminating,
    /// The worker cannot run.
    Failed,
}

/// Where the worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Mode {
    /// In this app.
    Embedded,
    /// In a worker service that already runs on this computer.
    Attached,
}

/// The worker's identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct WorkerView {
    /// Its display name.
    pub name: String,
    /// Its ID, stable across restarts.
    pub id: String,
    /// Its version.
    pub version: String,
}

/// The server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServerView {
    /// Its URL, as configured.
    pub url: String,
    /// Round-trip time, milliseconds.
    #[ts(type = "number | null")]
    pub latency_ms: Option<u64>,
    /// A remark about the server that is not an error, such as that the connection is not encrypted.
    pub note: Option<String>,
    /// URL of its dashboard.
    pub dashboard_url: Option<String>,
    /// Base URL of its OpenAI-compatible API.
    pub endpoint_url: Option<String>,
}

/// The LLM runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct RuntimeView {
    /// Its kind.
    pub kind: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether it responds.
    pub ready: bool,
    /// Why it does not respond.
    pub why: Option<String>,
    /// Its URL, if configured.
    pub url: Option<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ModelView {
    /// The name that requests use.
    pub name: String,
    /// Whether it is shared.
    pub offered: bool,
    /// Whether it is in memory, if known.
    pub loaded: Option<bool>,
    /// Size of its weights, bytes.
    #[ts(type = "number | null")]
    pub size_bytes: Option<u64>,
    /// Context length, tokens.
    #[ts(type = "number | null")]
    pub context: Option<u64>,
    /// Its quantization.
    pub quantization: Option<String>,
    /// Whether the runtime passes requests for it on to its vendor.
    pub remote: bool,
}

/// A running request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LiveRequest {
    /// Its number.
    #[ts(type = "number")]
    pub number: u64,
    /// Its model, if the server sends it.
    pub model: Option<String>,
    /// Its path.
    pub path: String,
    /// Milliseconds since it arrived.
    #[ts(type = "number")]
    pub age_ms: u64,
    /// Bytes of the response so far.
    #[ts(type = "number")]
    pub bytes_out: u64,
    /// `waiting` or `streaming`.
    pub state: String,
}

/// Totals since midnight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Today {
    /// Finished requests.
    #[ts(type = "number")]
    pub requests: u64,
    /// Input tokens.
    #[ts(type = "number")]
    pub tokens_in: u64,
    /// Output tokens.
    #[ts(type = "number")]
    pub tokens_out: u64,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Trouble {
    /// The problem, as a sentence.
    pub what: String,
    /// Since when, Unix milliseconds.
    #[ts(type = "number")]
    pub at: u64,
    /// How to fix it.
    pub fix: Option<String>,
    /// Where to fix it.
    pub action: Option<Action>,
}

/// Where a problem can be fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Action {
    /// In the preferences.
    Preferences,
    /// With diagnostics.
    Diagnostics,
    /// By trying again.
    Retry,
}

/// A crash of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Crash {
    /// Number of recent crashes.
    pub times: u32,
    /// Whether automatic restarts are off.
    pub gave_up: bool,
    /// The cause of the last crash.
    pub why: String,
    /// The last log lines.
    pub lines: Vec<String>,
}

/// The state of app updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct UpdateView {
    /// How far the update is.
    pub state: UpdateState,
    /// The newer version.
    pub version: Option<String>,
    /// Its release notes.
    pub notes: Option<String>,
    /// Why there is no update.
    pub why: Option<String>,
    /// When updates were last checked, Unix milliseconds.
    #[ts(type = "number | null")]
    pub checked_at: Option<u64>,
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum UpdateState {
    /// Updates are off, or left to a package manager.
    Off,
    /// No newer version is known.
    Idle,
    /// Checking for updates.
    Checking,
    /// Downloading an update.
    Staging,
    /// Downloaded; a restart installs it.
    Staged,
    /// An update is available, but the app cannot install it itself.
    Available,
    /// The check or download failed.
    Failed,
}

/// Ten seconds of the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LoadBin {
    /// Start time, Unix milliseconds.
    #[ts(type = "number")]
    pub at: u64,
    /// Maximum number of concurrent requests.
    pub running: u32,
    /// Finished requests.
    pub requests: u32,
    /// Output tokens.
    #[ts(type = "number")]
    pub tokens_out: u64,
}
