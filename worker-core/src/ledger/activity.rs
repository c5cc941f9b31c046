//! What others may see of the books: the desktop app's status window, the local status page.

use serde::{Deserialize, Serialize};

use crate::usage::Usage;

/// What a worker does, and has done since it started. A snapshot: it does not change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Requests that run, in the order in which they came.
    pub live: Vec<LiveJob>,
    /// Requests begun: those that run, and those that `succeeded`, `failed` or were `cancelled`.
    pub started: u64,
    /// The runtime's answer was passed on whole, and was no server error (5xx).
    pub succeeded: u64,
    /// The runtime could not be reached, answered with a server error, or broke off.
    pub failed: u64,
    /// The client left, or the connection to the server was lost.
    pub cancelled: u64,
    /// The longest request that has ended, milliseconds.
    pub longest_job_ms: u64,
    /// Tokens that answers told since the start.
    pub tokens: Usage,
    /// Tokens that answers told since midnight of this machine's time zone, or since the start if that was later.
    pub tokens_today: Usage,
    /// Requests that ended since then.
    pub requests_today: u64,
    /// The last hour in bins of ten seconds, oldest first and without gaps; shorter if the worker has not run for an hour.
    pub history: Vec<LoadBin>,
}

/// A request that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveJob {
    /// Counts up from 1 in each run of the worker.
    pub number: u64,
    /// The model, by its name at this worker, if the server says it.
    pub model: Option<String>,
    /// Path without query, e.g. `/v1/chat/completions`.
    pub path: String,
    /// Milliseconds since it got its slot.
    pub age_ms: u64,
    /// Body bytes of the answer so far.
    pub bytes_out: u64,
    /// How far it is.
    pub state: JobState,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The runtime has sent nothing of its answer's body yet.
    Waiting,
    /// It has.
    Streaming,
}

/// Ten seconds of a worker's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBin {
    /// Its beginning, Unix seconds: a multiple of ten.
    pub at: u64,
    /// Most requests that ran at once.
    pub running: u32,
    /// Requests that ended.
    pub requests: u32,
    /// Generated tokens, counted when their request ended.
    pub tokens_out: u64,
}
