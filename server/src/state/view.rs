//! The published form of the server's state: the JSON that scripts and the dashboard read. The field names of the older server are kept. The
//! dashboard's TypeScript types and the schemas of the API's description are generated from these types and their comments.

mod changes;
mod requests;
mod workers;

use std::time::SystemTime;

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

pub use changes::SnapshotChanges;
pub use requests::{EndedAs, FinishedRequest, HistoryBin, LiveRequest, RequestState};
pub use workers::{HostView, PerModel, WorkerModel, WorkerState, WorkerView};

/// The whole state at one moment.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct Snapshot {
    /// Grows by one with each snapshot that is published.
    #[ts(type = "number")]
    pub version: u64,
    /// The server itself.
    pub server: ServerView,
    /// Workers by state.
    pub workers_summary: WorkersSummary,
    /// All models that workers offer, sorted by name.
    pub models: Vec<ModelView>,
    /// All workers, in the order in which they connected; those that left in the last ten minutes come last, as `gone`.
    pub workers: Vec<WorkerView>,
    /// Entries left out of the lists of models, because all workers together offer more than are shown. 0 if the lists are complete.
    pub models_cut: u32,
    /// MCP relays.
    pub mcp: McpView,
    /// Open requests, oldest first.
    pub live: Vec<LiveRequest>,
    /// Ended requests, newest first: the last 200 in a full snapshot, those since the previous event in an update.
    pub recent: Vec<FinishedRequest>,
    /// Statistics in bins of ten seconds, oldest first: the last hour in a full snapshot, bins that changed since the previous event in an update.
    pub history: Vec<HistoryBin>,
}

/// The server itself.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct ServerView {
    /// The server's time. RFC 3339, UTC.
    pub now: String,
    /// The version of the server.
    pub version: String,
    /// The commit that it was built from.
    pub build_sha: String,
    /// The date of the build.
    pub build_date: String,
    /// `not_ready` (no worker is ready), `ready` or `draining`.
    pub state: ServerState,
    /// Seconds since the server started.
    #[ts(type = "number")]
    pub uptime_s: u64,
    /// Open requests.
    #[ts(type = "number")]
    pub jobs_inflight_total: u64,
    /// Requests answered to the last byte.
    #[ts(type = "number")]
    pub jobs_completed_total: u64,
    /// Requests that a worker or runtime failed, or answered with 5xx.
    #[ts(type = "number")]
    pub jobs_failed_total: u64,
    /// Requests that the server rejected: invalid, unknown model, queue full.
    #[ts(type = "number")]
    pub jobs_refused_total: u64,
    /// Requests without a valid key that the server rejected. They are counted here only.
    #[ts(type = "number")]
    pub jobs_blocked_total: u64,
    /// Requests whose client disconnected, or that an administrator cancelled.
    #[ts(type = "number")]
    pub jobs_cancelled_total: u64,
    /// Failovers: attempts after which another worker took over before the first byte.
    #[ts(type = "number")]
    pub failovers_total: u64,
    /// Queued requests.
    #[ts(type = "number")]
    pub scheduler_queue_len: u64,
    /// Input tokens, as far as responses report them.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Output tokens, as far as responses report them.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
    /// Whether clients need a key.
    pub needs_key: bool,
    /// Whether workers need a key.
    pub workers_need_key: bool,
    /// Problems of the server itself, each as a sentence, such as that its log files cannot be written.
    pub problems: Vec<String>,
}

/// The state of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ServerState {
    /// No worker is ready.
    NotReady,
    /// At least one worker is ready.
    Ready,
    /// The server finishes open requests and then stops.
    Draining,
}

/// Workers by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkersSummary {
    /// Connected workers.
    pub connected: u32,
    /// Workers that run requests.
    pub working: u32,
    /// Workers that are ready and run no request.
    pub idle: u32,
    /// Workers whose runtime is not available.
    pub not_ready: u32,
    /// Workers that finish their requests and take no new ones.
    pub draining: u32,
    /// Workers that left in the last ten minutes.
    pub gone: u32,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// Workers that offer it.
    pub workers: u32,
    /// Of those, workers that have it in memory, as far as they report it.
    pub loaded: u32,
    /// Requests queued for it.
    pub queue_len: u32,
}

/// MCP relays; there are none in this version.
#[derive(Debug, Clone, Default, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct McpView {
    /// Connected relays.
    pub clients: Vec<String>,
    /// Open sessions.
    pub sessions: Vec<String>,
}

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
