//! The worker as the windows, the menu and the icon show it: one value, made in one place (`snapshot.rs` of the crate).

use serde::Serialize;
use ts_rs::TS;

use super::PausedBy;

/// All that is shown of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Snapshot {
    /// The state in a word.
    pub phase: Phase,
    /// The state in a line: the first of the menu.
    pub headline: String,
    /// Whose worker it is.
    pub mode: Mode,
    /// Who it is.
    pub worker: WorkerView,
    /// The server it works for.
    pub server: ServerView,
    /// Seconds until the next try to connect, or to start the worker.
    #[ts(type = "number | null")]
    pub reconnect_in_s: Option<u64>,
    /// Requests that run.
    pub running: u32,
    /// How many may.
    pub max_concurrency: u32,
    /// The LLM runtime beside it.
    pub runtime: RuntimeView,
    /// What the runtime has.
    pub models: Vec<ModelView>,
    /// Requests that run, oldest first.
    pub live: Vec<LiveRequest>,
    /// What was done since midnight.
    pub today: Today,
    /// What is wrong.
    pub trouble: Option<Trouble>,
    /// When serving goes on by itself, Unix milliseconds. In the phase `paused`, nothing means: when somebody says so.
    #[ts(type = "number | null")]
    pub paused_until: Option<u64>,
    /// The rule that keeps it from serving, if nobody has paused it besides.
    pub paused_by: Option<PausedBy>,
    /// That the worker ended without being told to.
    pub crash: Option<Crash>,
    /// The app's own update.
    pub update: UpdateView,
}

/// The state in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Phase {
    /// Nobody has said which server yet.
    Unconfigured,
    /// The worker does not run, because it was told to end.
    Stopped,
    /// On the way to the server.
    Connecting,
    /// No connection; the next try is due soon.
    Waiting,
    /// The server does not want us; somebody has to change something.
    Refused,
    /// Connected, but the runtime does not answer.
    NotReady,
    /// Takes requests.
    Ready,
    /// Takes requests and works on some.
    Busy,
    /// Finishes what runs, takes nothing new.
    Draining,
    /// Takes nothing new for a while.
    Paused,
    /// Finishes what runs, then ends.
    Terminating,
    /// The worker cannot run.
    Failed,
}

/// Whose worker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Mode {
    /// Runs in this app.
    Embedded,
    /// A worker service that already runs on this machine.
    Attached,
}

/// Who the worker is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct WorkerView {
    /// For people.
    pub name: String,
    /// Stable across restarts.
    pub id: String,
    /// Of its software.
    pub version: String,
}

/// The server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServerView {
    /// As configured.
    pub url: String,
    /// There and back, milliseconds.
    #[ts(type = "number | null")]
    pub latency_ms: Option<u64>,
    /// A remark about it that is not a problem now, such as that the connection is not encrypted.
    pub note: Option<String>,
    /// Its page for people.
    pub dashboard_url: Option<String>,
    /// The address that clients of its OpenAI API use.
    pub endpoint_url: Option<String>,
}

/// The LLM runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct RuntimeView {
    /// What it is.
    pub kind: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether it answers.
    pub ready: bool,
    /// Why it does not.
    pub why: Option<String>,
    /// Where it is, if that is configured.
    pub url: Option<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ModelView {
    /// The name that requests use.
    pub name: String,
    /// Whether the pool may use it.
    pub offered: bool,
    /// Whether it is in memory.
    pub loaded: Option<bool>,
    /// Of its weights.
    #[ts(type = "number | null")]
    pub size_bytes: Option<u64>,
    /// In tokens.
    #[ts(type = "number | null")]
    pub context: Option<u64>,
    /// How the weights are stored.
    pub quantization: Option<String>,
    /// Whether the runtime passes requests for it on to its vendor.
    pub remote: bool,
}

/// A request that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LiveRequest {
    /// Counts up.
    #[ts(type = "number")]
    pub number: u64,
    /// The model, if the server says it.
    pub model: Option<String>,
    /// The path.
    pub path: String,
    /// Milliseconds since it came.
    #[ts(type = "number")]
    pub age_ms: u64,
    /// Bytes of the answer so far.
    #[ts(type = "number")]
    pub bytes_out: u64,
    /// `waiting` or `streaming`.
    pub state: String,
}

/// What was done since midnight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Today {
    /// Requests that ended.
    #[ts(type = "number")]
    pub requests: u64,
    /// Tokens read.
    #[ts(type = "number")]
    pub tokens_in: u64,
    /// Tokens written.
    #[ts(type = "number")]
    pub tokens_out: u64,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Trouble {
    /// In a sentence.
    pub what: String,
    /// Since when, Unix milliseconds.
    #[ts(type = "number")]
    pub at: u64,
    /// What to do about it.
    pub fix: Option<String>,
    /// Where it can be done.
    pub action: Option<Action>,
}

/// Where trouble can be dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Action {
    /// In the preferences.
    Preferences,
    /// With the doctor's help.
    Diagnostics,
    /// By trying again.
    Retry,
}

/// The worker ended without being told to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct Crash {
    /// How often of late.
    pub times: u32,
    /// Nobody tries any more.
    pub gave_up: bool,
    /// Why, the last time.
    pub why: String,
    /// What the log said last.
    pub lines: Vec<String>,
}

/// The app's own update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct UpdateView {
    /// How far it is.
    pub state: UpdateState,
    /// The newer version.
    pub version: Option<String>,
    /// What is new in it.
    pub notes: Option<String>,
    /// Why there is none.
    pub why: Option<String>,
    /// When somebody last looked, Unix milliseconds.
    #[ts(type = "number | null")]
    pub checked_at: Option<u64>,
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum UpdateState {
    /// Not ours to do, or not wanted.
    Off,
    /// Nothing newer is known.
    Idle,
    /// Being looked for.
    Checking,
    /// Being fetched.
    Staging,
    /// Ready for a restart.
    Staged,
    /// There is one, which people put in place themselves.
    Available,
    /// Did not work out.
    Failed,
}

/// Ten seconds of the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct LoadBin {
    /// When it began, Unix milliseconds.
    #[ts(type = "number")]
    pub at: u64,
    /// Most requests at once.
    pub running: u32,
    /// Requests that ended.
    pub requests: u32,
    /// Tokens written.
    #[ts(type = "number")]
    pub tokens_out: u64,
}
