//! The promised form of the server's state: the JSON that scripts and the dashboard read. The field names of the older server are kept. The
//! dashboard's TypeScript types and the schemas of the API's description are generated from these types and their comments.

mod requests;
mod workers;

use std::time::SystemTime;

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

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
    /// Every model on offer, sorted.
    pub models: Vec<ModelView>,
    /// Every worker, in order of arrival; those that left in the last ten minutes at the end, as `gone`.
    pub workers: Vec<WorkerView>,
    /// MCP relays.
    pub mcp: McpView,
    /// Requests that are open now, oldest first.
    pub live: Vec<LiveRequest>,
    /// Requests that ended, newest first: the last 200 in a full snapshot, those since the former one in an update.
    pub recent: Vec<FinishedRequest>,
    /// What happened lately, oldest first: the last hour in a full snapshot, what changed since the former one in an update.
    pub history: Vec<HistoryBin>,
}

/// The server itself.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct ServerView {
    /// RFC 3339, UTC.
    pub now: String,
    /// Of the software.
    pub version: String,
    /// The commit it was built from.
    pub build_sha: String,
    /// The day it was built.
    pub build_date: String,
    /// `not_ready` (no worker is), `ready` or `draining`.
    pub state: ServerState,
    /// Seconds since its start.
    #[ts(type = "number")]
    pub uptime_s: u64,
    /// Requests open now.
    #[ts(type = "number")]
    pub jobs_inflight_total: u64,
    /// Requests answered to the last byte.
    #[ts(type = "number")]
    pub jobs_completed_total: u64,
    /// Requests that a worker or runtime failed, or answered with 5xx.
    #[ts(type = "number")]
    pub jobs_failed_total: u64,
    /// Requests turned away: wrong, unknown model, busy.
    #[ts(type = "number")]
    pub jobs_refused_total: u64,
    /// Requests whose client left.
    #[ts(type = "number")]
    pub jobs_cancelled_total: u64,
    /// Times another worker took over before the first byte.
    #[ts(type = "number")]
    pub failovers_total: u64,
    /// Requests that wait for a free slot.
    #[ts(type = "number")]
    pub scheduler_queue_len: u64,
    /// Prompt tokens, as far as replies told.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Generated tokens, as far as replies told.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
    /// Whether a key is asked for.
    pub needs_key: bool,
    /// Whether workers need a key.
    pub workers_need_key: bool,
}

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ServerState {
    /// No worker is ready.
    NotReady,
    /// At least one is.
    Ready,
    /// It is about to stop.
    Draining,
}

/// Workers by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkersSummary {
    /// All that are connected.
    pub connected: u32,
    /// With requests.
    pub working: u32,
    /// Ready, without requests.
    pub idle: u32,
    /// Whose runtime is away.
    pub not_ready: u32,
    /// Finishing.
    pub draining: u32,
    /// That left in the last ten minutes.
    pub gone: u32,
}

/// One model.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// Workers that have it.
    pub workers: u32,
    /// Of those, with it in memory, as far as they tell.
    pub loaded: u32,
    /// Requests that wait for it.
    pub queue_len: u32,
}

/// MCP relays; there are none in this version.
#[derive(Debug, Clone, Default, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct McpView {
    /// Relays that are connected.
    pub clients: Vec<String>,
    /// Calls that run.
    pub sessions: Vec<String>,
}

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
