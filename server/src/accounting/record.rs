//! The record of a request: what its ticket fills in, and what remains of it after its end. It never contains content.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use llamapool_worker_core::usage::Usage;

use crate::auth::Caller;
use crate::upstream::Identity;

/// What is known of a request so far.
#[derive(Debug, Default)]
pub struct RequestRecord {
    /// The path, in its canonical form.
    pub path: &'static str,
    /// The model asked for.
    pub model: Option<String>,
    /// The worker's name for the model or, before there is a worker, its name in the model list; `None` if no worker has it.
    pub served_as: Option<String>,
    /// The caller, once known.
    pub caller: Option<Caller>,
    /// The worker that responded or failed.
    pub worker: Option<Arc<Identity>>,
    /// When the request was sent to that worker.
    pub sent_at: Option<Instant>,
    /// Number of workers tried before.
    pub failovers: usize,
    /// Time spent waiting for a slot.
    pub queued: Duration,
    /// From accept to the first byte of the reply.
    pub first_byte: Option<Duration>,
    /// The longest silence of the reply; `None` if it is not a stream.
    pub longest_gap: Option<Duration>,
    /// HTTP status of the reply.
    pub status: Option<u16>,
    /// Body bytes in.
    pub received: usize,
    /// How it ended. Until something else is recorded, the client left.
    pub outcome: Outcome,
}

/// How a request ended, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The client went away.
    #[default]
    Left,
    /// Answered to the last byte.
    Done,
    /// Refused by this server, with this error code.
    Refused(&'static str),
    /// Refused by this server with this error code, before a valid key was seen. It is only counted.
    Blocked(&'static str),
    /// A worker or runtime failed, before or during the response.
    Failed(String),
    /// Cancelled by an administrator.
    Cancelled,
}

/// How a request ended, without the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutcomeKind {
    /// Answered to the last byte.
    Done,
    /// A worker or runtime failed, before or during the response.
    Failed,
    /// Refused by this server.
    Refused,
    /// The client went away.
    Left,
    /// Cancelled by an administrator.
    Cancelled,
    /// Refused by this server before a valid key was seen.
    Blocked,
}

/// A request that has ended.
#[derive(Debug)]
pub struct EndedRequest {
    /// The request id.
    pub id: String,
    /// Unique in this process, in order of arrival.
    pub number: u64,
    /// Its record.
    pub record: RequestRecord,
    /// When it ended.
    pub ended_at: SystemTime,
    /// How long it was open.
    pub total: Duration,
    /// How long it was at the last worker it was sent to.
    pub processing: Duration,
    /// How long the reply was generated for.
    pub generating: Duration,
    /// Body bytes out.
    pub bytes_out: u64,
    /// The tokens that the reply reports, if any.
    pub usage: Option<Usage>,
}

impl RequestRecord {
    /// How long the reply of a request that has been open for `total` and at its worker for `processing` was generated for. A stream is generated
    /// from its first byte on. A reply in one piece is generated before its first byte, so all its time at the worker counts.
    pub(super) fn generating(&self, total: Duration, processing: Duration) -> Duration {
        match (self.first_byte, self.longest_gap) {
            (None, _) => Duration::ZERO,
            (Some(first_byte), Some(_)) => total.saturating_sub(first_byte),
            (Some(_), None) => processing,
        }
    }
}

impl RequestRecord {
    /// The name of the caller's key, for logs and traces.
    pub fn key_name(&self) -> Option<Arc<str>> {
        self.caller.as_ref().and_then(Caller::key_name)
    }
}

impl Outcome {
    /// The outcome without its reason.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Left => OutcomeKind::Left,
            Self::Done => OutcomeKind::Done,
            Self::Refused(_) => OutcomeKind::Refused,
            Self::Blocked(_) => OutcomeKind::Blocked,
            Self::Failed(_) => OutcomeKind::Failed,
            Self::Cancelled => OutcomeKind::Cancelled,
        }
    }

    /// The reason: the code of a refusal, or the message of a failure.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(code) | Self::Blocked(code) => Some(code),
            Self::Failed(reason) => Some(reason),
            Self::Left | Self::Done | Self::Cancelled => None,
        }
    }
}

impl OutcomeKind {
    /// The outcomes that a request for a model can have, in order of declaration.
    pub const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::Refused, Self::Left, Self::Cancelled];

    /// For logs and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::Cancelled => "cancelled",
            Self::Blocked => "blocked",
        }
    }
}

impl EndedRequest {
    /// How it ended.
    pub fn outcome(&self) -> OutcomeKind {
        self.record.outcome.kind()
    }

    /// Output tokens per second, if the reply reports its tokens.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let generating = self.generating.as_secs_f64();
        self.usage.filter(|_| generating > 0.0).map(|usage| usage.tokens_out as f64 / generating)
    }
}
