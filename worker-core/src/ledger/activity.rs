//! The public view of the ledger, for the desktop app and the local status page.

use serde::{Deserialize, Serialize};

use crate::usage::Usage;

/// What a worker is doing, and what it has done since it started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Running requests, in order of arrival.
    pub live: Vec<LiveJob>,
    /// Requests started: running ones, and those that `succeeded`, `failed` or were `cancelled`.
    pub started: u64,
    /// The runtime's response was passed on completely, and was not a server error (5xx).
    pub succeeded: u64,
    /// The runtime could not be reached, answered with a server error, or broke off.
    pub failed: u64,
    /// The client disconnected, or the connection to the server was lost.
    pub cancelled: u64,
    /// Duration of the longest finished request, milliseconds.
    pub longest_job_ms: u64,
    /// Tokens since the start, as reported in responses.
    pub tokens: Usage,
    /// Tokens since local midnight, or since the start if that was later.
    pub tokens_today: Usage,
    /// Requests that ended in the same period.
    pub requests_today: u64,
    /// The last hour in bins of ten seconds, oldest first and without gaps; shorter if the worker has not run for an hour.
    pub history: Vec<LoadBin>,
}

/// A running request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveJob {
    /// Counts up from 1 in each run of the worker.
    pub number: u64,
    /// The model's name at this worker, if the server sent it.
    pub model: Option<String>,
    /// Path without query, e.g. `/v1/chat/completions`.
    pub path: String,
    /// Milliseconds since it got its slot.
    pub age_ms: u64,
    /// Body bytes of the response so far.
    pub bytes_out: u64,
    /// Its progress.
    pub state: JobState,
}

/// The progress of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The runtime has not sent any of the response body yet.
    Waiting,
    /// The response body is arriving.
    Streaming,
}

/// Ten seconds of history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBin {
    /// Its beginning, Unix seconds: a multiple of ten.
    pub at: u64,
    /// The maximum number of concurrent requests.
    pub running: u32,
    /// Finished requests.
    pub requests: u32,
    /// Generated tokens, counted when their request ended.
    pub tokens_out: u64,
}
