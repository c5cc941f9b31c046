//! What is promised about the server's state: the JSON that scripts, the dashboard and Prometheus-less people read. The names of the older server are
//! kept; the dashboard's TypeScript types and the schemas of the API's description are generated from here.

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

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

/// How a worker is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorkerState {
    /// Ready, nothing to do.
    Idle,
    /// Has requests.
    Working,
    /// Its runtime is away, or it has not reported yet.
    #[default]
    NotReady,
    /// Finishes what it has.
    Draining,
    /// Left.
    Gone,
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

/// One worker.
#[derive(Debug, Clone, Default, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkerView {
    /// Stable across reconnects.
    pub id: String,
    /// For people. Chosen by the worker: text, never markup.
    pub name: String,
    /// From facts, not from what it says.
    pub status: WorkerState,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// RFC 3339, UTC.
    pub connected_at: String,
    /// RFC 3339, UTC: when it was last heard of.
    pub last_heartbeat: String,
    /// How long the worker took to answer a PING last: the way there and back, milliseconds.
    pub latency_ms: Option<f64>,
    /// RFC 3339, UTC: when it left.
    pub gone_since: Option<String>,
    /// Of the worker's software.
    pub version: String,
    /// `ollama`, `llama_cpp`, `lm_studio`, `vllm`, `openai`, or `auto` if not known.
    pub backend_family: String,
    /// Of its runtime.
    pub backend_version: Option<String>,
    /// What it has.
    pub models_supported: Vec<String>,
    /// The same, with what is known of each.
    pub models: Vec<WorkerModel>,
    /// Requests it runs at once, at most.
    pub max_concurrency: u32,
    /// Requests it runs.
    pub inflight: u32,
    /// Requests that wait for a model of which it is the only provider.
    pub queue_len: u32,
    /// Requests answered.
    #[ts(type = "number")]
    pub processed_total: u64,
    /// Time spent on those, milliseconds.
    #[ts(type = "number")]
    pub processing_ms_total: u64,
    /// The mean of that.
    pub avg_processing_ms: f64,
    /// Requests it failed.
    #[ts(type = "number")]
    pub failures_total: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When. RFC 3339, UTC.
    pub last_error_at: Option<String>,
    /// Prompt tokens.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Generated tokens.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
    /// Both.
    #[ts(type = "number")]
    pub tokens_total: u64,
    /// Generated tokens per second of generating, over the requests that told their tokens.
    pub avg_tokens_per_second: f64,
    /// Median time to the first byte over the last hundred requests, milliseconds.
    pub first_byte_p50_ms: Option<f64>,
    /// 95th percentile of the same.
    pub first_byte_p95_ms: Option<f64>,
    /// By model, as the worker has it.
    pub per_model: std::collections::BTreeMap<String, PerModel>,
    /// The machine: host name, system, CPUs, memory.
    pub host: HostView,
}

/// One model of one worker.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkerModel {
    /// Its name there.
    pub name: String,
    /// In memory, if known.
    pub loaded: Option<bool>,
    /// Bytes.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Tokens.
    #[ts(type = "number | null")]
    pub context: Option<u64>,
    /// As `Q4_K_M`.
    pub quantization: Option<String>,
}

/// What a worker did for one model.
#[derive(Debug, Clone, Default, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct PerModel {
    /// Requests answered.
    #[ts(type = "number")]
    pub success_total: u64,
    /// Requests failed.
    #[ts(type = "number")]
    pub error_total: u64,
    /// Prompt tokens.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Generated tokens.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
}

/// The machine of a worker, as far as it tells.
#[derive(Debug, Clone, Default, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct HostView {
    /// Its name on its network.
    pub hostname: Option<String>,
    /// System and version.
    pub os: Option<String>,
    /// `x86_64`, `aarch64`.
    pub arch: Option<String>,
    /// Logical processors.
    pub cpus: Option<u32>,
    /// Bytes.
    #[ts(type = "number | null")]
    pub memory_bytes: Option<u64>,
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

/// Where an open request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RequestState {
    /// Being read.
    Reading,
    /// Waits for a free slot.
    Queued,
    /// Waits for the first byte.
    Waiting,
    /// Its reply streams.
    Streaming,
}

/// An open request. Never its content.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct LiveRequest {
    /// The request id.
    pub id: String,
    /// Names it for the cancel button.
    #[ts(type = "number")]
    pub number: u64,
    /// The path.
    pub path: String,
    /// The model asked for, once known.
    pub model: Option<String>,
    /// The worker, once chosen.
    pub worker: Option<String>,
    /// Milliseconds since it came.
    #[ts(type = "number")]
    pub age_ms: u64,
    /// Where it is.
    pub state: RequestState,
    /// Chunks of the reply so far: for a chat stream about one for each token.
    #[ts(type = "number")]
    pub tokens: u64,
    /// Body bytes out.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EndedAs {
    /// Answered to the last byte.
    Done,
    /// Turned away.
    Refused,
    /// Broken off by worker or runtime, or answered with 5xx.
    Failed,
    /// The client left.
    Left,
    /// Cancelled on the dashboard.
    Cancelled,
}

impl EndedAs {
    /// The same in a word, for logs and traces.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Left => "left",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A request that ended. Never its content.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct FinishedRequest {
    /// The request id.
    pub id: String,
    /// Unique.
    #[ts(type = "number")]
    pub number: u64,
    /// The path.
    pub path: String,
    /// The model asked for.
    pub model: Option<String>,
    /// The worker that answered or failed it.
    pub worker: Option<String>,
    /// When it ended. RFC 3339, UTC.
    pub ended_at: String,
    /// How.
    pub outcome: EndedAs,
    /// Why, if not done.
    pub reason: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Workers tried before.
    pub failovers: u32,
    /// Waiting for a slot, milliseconds.
    #[ts(type = "number")]
    pub queue_ms: u64,
    /// To the first byte, milliseconds.
    #[ts(type = "number | null")]
    pub first_byte_ms: Option<u64>,
    /// In all, milliseconds.
    #[ts(type = "number")]
    pub total_ms: u64,
    /// Body bytes in.
    #[ts(type = "number")]
    pub bytes_in: u64,
    /// Body bytes out.
    #[ts(type = "number")]
    pub bytes_out: u64,
    /// Prompt tokens, if the reply told.
    #[ts(type = "number | null")]
    pub tokens_in: Option<u64>,
    /// Generated tokens, if the reply told.
    #[ts(type = "number | null")]
    pub tokens_out: Option<u64>,
    /// Generated tokens per second: of a stream from first byte to last, of a reply in one piece while the worker had it.
    pub tokens_per_second: Option<f64>,
}

/// What happened in ten seconds.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct HistoryBin {
    /// When it begins, Unix seconds: a multiple of ten.
    #[ts(type = "number")]
    pub at: u64,
    /// Requests that ended.
    pub requests: u32,
    /// Of those, failed by worker or runtime.
    pub failed: u32,
    /// Of those, turned away.
    pub refused: u32,
    /// Of those, whose client left.
    pub left: u32,
    /// Tokens generated, as far as replies told.
    #[ts(type = "number")]
    pub tokens_out: u64,
    /// Median time to the first byte, milliseconds.
    pub first_byte_p50_ms: Option<f64>,
    /// 95th percentile of the same.
    pub first_byte_p95_ms: Option<f64>,
    /// Longest queue seen.
    pub queue: u32,
    /// Most requests open at once.
    pub inflight: u32,
}
