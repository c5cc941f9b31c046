//! One request from its slot to its end: the public view of it, and the handle that settles it when dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::activity::{JobState, LiveJob};
use super::{JobSpan, Ledger};
use crate::usage::{Usage, UsageScanner};
use llamapool_tunnel::Stopped;

/// The request's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Path without query.
    pub(crate) path: String,
    /// The model's name at this worker, if the server sent it.
    pub(crate) model: Option<String>,
    /// Size of the request body, if announced.
    pub(crate) bytes: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The runtime's response was passed on completely, and was not a server error.
    Succeeded,
    /// The runtime failed.
    Failed,
    /// The client disconnected.
    Cancelled,
}

/// A request that has ended.
pub(super) struct Ended<'a> {
    pub(super) asked: &'a Asked,
    pub(super) outcome: Outcome,
    /// From its slot to its end.
    pub(super) took: Duration,
    /// From its slot to the first byte of the response body.
    pub(super) first_byte: Option<Duration>,
    /// From the cancellation to its end.
    pub(super) cancel_delay: Option<Duration>,
    /// Body bytes of the response.
    pub(super) sent: u64,
    /// The token counts in the response.
    pub(super) usage: Option<Usage>,
}

/// The public view of a running request.
pub(super) struct Live {
    pub(super) number: u64,
    asked: Asked,
    since: Instant,
    bytes: AtomicU64,
}

/// A running request. Dropping it settles it: as cancelled, unless [`Job::end`] was called.
pub(crate) struct Job {
    ledger: Ledger,
    live: Arc<Live>,
    scanner: UsageScanner,
    status: Option<StatusCode>,
    first_byte: Option<Duration>,
    stopped: Option<std::time::Instant>,
    outcome: Outcome,
    /// Its span, if it is traced.
    pub(crate) span: Option<JobSpan>,
}

impl Outcome {
    /// Its name in traces.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Live {
    pub(super) fn new(number: u64, asked: Asked) -> Self {
        Self { number, asked, since: Instant::now(), bytes: AtomicU64::new(0) }
    }

    pub(super) fn view(&self) -> LiveJob {
        let bytes_out = self.bytes.load(Ordering::Relaxed);
        LiveJob {
            number: self.number,
            model: self.asked.model.clone(),
            path: self.asked.path.clone(),
            age_ms: self.since.elapsed().as_millis() as u64,
            bytes_out,
            state: if bytes_out == 0 { JobState::Waiting } else { JobState::Streaming },
        }
    }
}

impl Job {
    pub(super) fn new(ledger: Ledger, live: Arc<Live>) -> Self {
        let (scanner, outcome) = (UsageScanner::default(), Outcome::Cancelled);
        Self { ledger, live, scanner, status: None, first_byte: None, stopped: None, outcome, span: None }
    }

    /// Records the status of the runtime's response.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.span.iter_mut().for_each(|span| span.answered(status));
    }

    /// Counts a chunk of the response body, which is never empty. Token counts are read from successful responses only.
    pub(crate) fn pass(&mut self, chunk: &[u8]) {
        self.live.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if self.status.is_some_and(|status| status.is_success()) {
            self.scanner.pass(chunk);
        }
        if self.first_byte.is_none() {
            self.first_byte = Some(self.live.since.elapsed());
            self.ledger.notify_changed();
            self.span.iter_mut().for_each(JobSpan::first_byte);
        }
    }

    /// The outcome when the response was passed on completely.
    pub(crate) fn whole(&self) -> Outcome {
        let failed = self.status.is_some_and(|status| status.is_server_error());
        if failed { Outcome::Failed } else { Outcome::Succeeded }
    }

    /// The outcome when the server has cancelled the request.
    pub(crate) fn unwanted(&mut self, stopped: Stopped) -> Outcome {
        self.stopped = stopped.at;
        Outcome::Cancelled
    }

    /// Settles the request with this outcome.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let Live { number, asked, since, bytes } = &*self.live;
        let usage = self.scanner.usage();
        if let Some(span) = self.span.take() {
            span.end(self.outcome, usage);
        }
        self.ledger.settle(
            *number,
            &Ended {
                asked,
                outcome: self.outcome,
                took: since.elapsed(),
                first_byte: self.first_byte,
                cancel_delay: self.stopped.map(|stopped| stopped.elapsed()),
                sent: bytes.load(Ordering::Relaxed),
                usage,
            },
        );
    }
}
