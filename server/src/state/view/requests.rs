//! Requests: those that are open, those that ended, and the last hour of them.

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

use super::rfc3339;
use crate::accounting::history::Bin;
use crate::accounting::in_flight::{InFlight, Progress};
use crate::accounting::record::{EndedRequest, OutcomeKind};

/// How far an open request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RequestState {
    /// The body is being read.
    Reading,
    /// Waits for a free slot of a worker.
    Queued,
    /// Sent to a worker; waits for the first byte of the response.
    Waiting,
    /// The response is being sent.
    Streaming,
}

/// An open request, without its content.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct LiveRequest {
    /// The request id.
    pub id: String,
    /// Identifies the request when it is cancelled.
    #[ts(type = "number")]
    pub number: u64,
    /// The path.
    pub path: String,
    /// The model asked for, once known.
    pub model: Option<String>,
    /// The worker that has the request, once chosen.
    pub worker: Option<String>,
    /// Milliseconds since it arrived.
    #[ts(type = "number")]
    pub age_ms: u64,
    /// How far it has come.
    pub state: RequestState,
    /// Chunks of the response so far: about one per token in a chat stream.
    #[ts(type = "number")]
    pub tokens: u64,
    /// Bytes of the response body so far.
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
    /// Rejected by this server.
    Refused,
    /// Failed by a worker or runtime, or answered with 5xx.
    Failed,
    /// The client disconnected.
    Left,
    /// Cancelled by an administrator.
    Cancelled,
}

/// An ended request, without its content.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct FinishedRequest {
    /// The request id.
    pub id: String,
    /// Unique in this run of the server, in order of arrival.
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
    /// How it ended.
    pub outcome: EndedAs,
    /// Why it was not completed.
    pub reason: Option<String>,
    /// The HTTP status of the response.
    pub status: Option<u16>,
    /// Workers that failed it before.
    pub failovers: u32,
    /// Time in the queue, milliseconds.
    #[ts(type = "number")]
    pub queue_ms: u64,
    /// Time to the first byte, milliseconds.
    #[ts(type = "number | null")]
    pub first_byte_ms: Option<u64>,
    /// Total time, milliseconds.
    #[ts(type = "number")]
    pub total_ms: u64,
    /// Bytes of the request body.
    #[ts(type = "number")]
    pub bytes_in: u64,
    /// Bytes of the response body.
    #[ts(type = "number")]
    pub bytes_out: u64,
    /// Input tokens, if the response reports them.
    #[ts(type = "number | null")]
    pub tokens_in: Option<u64>,
    /// Output tokens, if the response reports them.
    #[ts(type = "number | null")]
    pub tokens_out: Option<u64>,
    /// Output tokens per second: from first to last byte of a stream; for other responses, over the time the worker had the request.
    pub tokens_per_second: Option<f64>,
}

/// Statistics of ten seconds.
#[derive(Debug, Clone, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct HistoryBin {
    /// When it begins, Unix seconds: a multiple of ten.
    #[ts(type = "number")]
    pub at: u64,
    /// Requests that ended.
    pub requests: u32,
    /// Of those, failed by a worker or runtime.
    pub failed: u32,
    /// Of those, rejected.
    pub refused: u32,
    /// Of those, whose client disconnected, or that were cancelled.
    pub left: u32,
    /// Output tokens, as far as responses report them.
    #[ts(type = "number")]
    pub tokens_out: u64,
    /// Median time to the first byte, milliseconds.
    pub first_byte_p50_ms: Option<f64>,
    /// 95th percentile of the time to the first byte, milliseconds.
    pub first_byte_p95_ms: Option<f64>,
    /// The longest queue.
    pub queue: u32,
    /// The most requests open at once.
    pub inflight: u32,
}

impl From<Progress> for RequestState {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Reading => Self::Reading,
            Progress::Queued => Self::Queued,
            Progress::Waiting => Self::Waiting,
            Progress::Streaming => Self::Streaming,
        }
    }
}

impl From<&InFlight> for LiveRequest {
    fn from(request: &InFlight) -> Self {
        let about = request.about();
        Self {
            id: request.id.clone(),
            number: request.number,
            path: about.path.to_owned(),
            model: about.model,
            worker: about.worker,
            age_ms: request.opened.elapsed().as_millis() as u64,
            state: request.progress().into(),
            tokens: request.chunks(),
            bytes: request.bytes(),
        }
    }
}

impl From<OutcomeKind> for EndedAs {
    fn from(outcome: OutcomeKind) -> Self {
        match outcome {
            OutcomeKind::Done => Self::Done,
            OutcomeKind::Failed => Self::Failed,
            OutcomeKind::Refused | OutcomeKind::Blocked => Self::Refused,
            OutcomeKind::Left => Self::Left,
            OutcomeKind::Cancelled => Self::Cancelled,
        }
    }
}

impl From<&EndedRequest> for FinishedRequest {
    fn from(ended: &EndedRequest) -> Self {
        let record = &ended.record;
        Self {
            id: ended.id.clone(),
            number: ended.number,
            path: record.path.to_owned(),
            model: record.model.clone(),
            worker: record.worker.as_ref().map(|worker| worker.name.clone()),
            ended_at: rfc3339(ended.ended_at),
            outcome: ended.outcome().into(),
            reason: record.outcome.reason().map(str::to_owned),
            status: record.status,
            failovers: record.failovers as u32,
            queue_ms: record.queued.as_millis() as u64,
            first_byte_ms: record.first_byte.map(|wait| wait.as_millis() as u64),
            total_ms: ended.total.as_millis() as u64,
            bytes_in: record.received as u64,
            bytes_out: ended.bytes_out,
            tokens_in: ended.usage.map(|usage| usage.tokens_in),
            tokens_out: ended.usage.map(|usage| usage.tokens_out),
            tokens_per_second: ended.tokens_per_second(),
        }
    }
}

impl From<&Bin> for HistoryBin {
    fn from(bin: &Bin) -> Self {
        Self {
            at: bin.at,
            requests: bin.requests,
            failed: bin.failed,
            refused: bin.refused,
            left: bin.left,
            tokens_out: bin.tokens_out,
            first_byte_p50_ms: bin.first_byte_p50,
            first_byte_p95_ms: bin.first_byte_p95,
            queue: bin.queue,
            inflight: bin.in_flight,
        }
    }
}
