//! One request from the moment it has a slot to its end: what others see of it, and the handle that settles it when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::activity::{JobState, LiveJob};
use super::{Ledger, Settled};
use crate::tunnel::Stopped;
use crate::usage::Tail;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Path without query.
    pub(crate) path: String,
    /// The model's name at this worker, if the server says it.
    pub(crate) model: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The runtime's answer was passed on whole, and was no server error.
    Succeeded,
    /// The runtime failed.
    Failed,
    /// Nobody wants the answer any more.
    Cancelled,
}

/// What others see of a request while it runs.
pub(super) struct Live {
    pub(super) number: u64,
    asked: Asked,
    since: Instant,
    bytes: AtomicU64,
}

/// A request that runs. Dropping it settles it: cancelled, unless somebody said how it ended.
pub(crate) struct Job {
    ledger: Ledger,
    live: Arc<Live>,
    tail: Tail,
    status: Option<StatusCode>,
    first_byte: Option<Duration>,
    stopped: Option<std::time::Instant>,
    outcome: Outcome,
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
        let (tail, outcome) = (Tail::default(), Outcome::Cancelled);
        Self { ledger, live, tail, status: None, first_byte: None, stopped: None, outcome }
    }

    /// The runtime answers with this status.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// A piece of the answer's body, never empty, passes. Only a success tells tokens.
    pub(crate) fn pass(&mut self, chunk: &[u8]) {
        self.live.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if self.status.is_some_and(|status| status.is_success()) {
            self.tail.pass(chunk);
        }
        if self.first_byte.is_none() {
            self.first_byte = Some(self.live.since.elapsed());
            self.ledger.ring();
        }
    }

    /// How it ends if the runtime's answer was passed on whole.
    pub(crate) fn whole(&self) -> Outcome {
        let failed = self.status.is_some_and(|status| status.is_server_error());
        if failed { Outcome::Failed } else { Outcome::Succeeded }
    }

    /// How it ends if nobody wants the answer any more.
    pub(crate) fn unwanted(&mut self, stopped: Stopped) -> Outcome {
        self.stopped = stopped.at;
        Outcome::Cancelled
    }

    /// It has ended, and how.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(stopped) = self.stopped {
            tracing::debug!(
                job.number = self.live.number,
                "The runtime was let go {:?} after the client",
                stopped.elapsed()
            );
        }
        self.ledger.settle(Settled {
            number: self.live.number,
            outcome: self.outcome,
            took: self.live.since.elapsed(),
            usage: self.tail.usage().unwrap_or_default(),
        });
    }
}
