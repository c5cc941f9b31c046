//! What is counted for Prometheus as requests end. It belongs to the ledger, which is the only one to write it, under the lock that it holds anyway.
//!
//! A request costs one entry for its model and one for its worker: two look-ups in small maps that copy no name, and a dozen additions.
//! Names are the real ones of models and workers, and there is an end of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use llamapool_worker_core::metrics::Histogram;

use super::capped::{CappedLabels, OTHER};
use crate::accounting::ledger::{Settled, add};
use crate::accounting::ticket::Outcome;
use crate::http::error::ApiError;
use crate::metrics::series;
use crate::pool::WorkerSnapshot;
use crate::state::view::{EndedAs, FinishedRequest};
use llamapool_worker_core::usage::Usage;

/// Models with figures of their own. Each has about eighty series.
const MAX_MODELS: usize = 200;

/// Workers with figures of their own: a dozen series each, and a histogram for each of their models.
const MAX_WORKERS: usize = 100;

/// Models of one worker with a histogram of their own, which is eighteen series.
const MAX_MODELS_OF_WORKER: usize = 20;

/// How a request ended, for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ended {
    Success,
    Error,
    Refused,
    Left,
    Cancelled,
}

/// Everything that is counted.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    pub(crate) requests: BTreeMap<(&'static str, Ended), u64>,
    pub(crate) rejects: BTreeMap<&'static str, u64>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) models: CappedLabels<ModelTally>,
    pub(crate) workers: CappedLabels<WorkerTally>,
}

/// What is counted for a model.
#[derive(Debug, Clone)]
pub(crate) struct ModelTally {
    pub(crate) ended: [u64; Ended::ALL.len()],
    pub(crate) usage: Usage,
    pub(crate) queue_wait: Histogram,
    pub(crate) first_byte: Histogram,
    pub(crate) gap: Histogram,
    pub(crate) tokens_per_second: Histogram,
}

/// What is counted for a worker.
#[derive(Debug, Clone)]
pub(crate) struct WorkerTally {
    /// The name it had when it was seen last.
    pub(crate) name: String,
    pub(crate) usage: Usage,
    pub(crate) processing: Duration,
    pub(crate) failures: u64,
    pub(crate) failovers: u64,
    pub(crate) durations: CappedLabels<Histogram>,
}

impl Ended {
    pub(crate) const ALL: [Self; 5] =
        [Self::Success, Self::Error, Self::Refused, Self::Left, Self::Cancelled];

    fn of(request: &FinishedRequest) -> Self {
        match request.outcome {
            EndedAs::Done => Self::Success,
            EndedAs::Failed => Self::Error,
            EndedAs::Refused => Self::Refused,
            EndedAs::Left => Self::Left,
            EndedAs::Cancelled => Self::Cancelled,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: BTreeMap::new(),
            rejects: ApiError::CODES.iter().map(|code| (*code, 0)).collect(),
            received: 0,
            sent: 0,
            models: CappedLabels::new(MAX_MODELS, ModelTally::new),
            workers: CappedLabels::new(MAX_WORKERS, WorkerTally::new),
        }
    }
}

impl Counters {
    /// A request has ended.
    pub(crate) fn settle(&mut self, settled: &Settled<'_>) {
        let Settled { facts, request, .. } = settled;
        let ended = Ended::of(request);
        *self.requests.entry((facts.path, ended)).or_default() += 1;
        if let Outcome::Refused(code) = facts.outcome {
            *self.rejects.entry(code).or_default() += 1;
        }
        self.received += request.bytes_in;
        self.sent += request.bytes_out;
        if facts.model.is_some() {
            self.models.of(facts.served_as.as_deref().unwrap_or(OTHER)).settle(settled, ended);
        }
        if let Some(worker) = &facts.worker {
            self.workers.of(&worker.id).settle(settled);
        }
    }

    /// A worker failed a request before its first byte, and another one takes over.
    pub(crate) fn failed_over(&mut self, worker_id: &str) {
        let tally = self.workers.of(worker_id);
        tally.failures += 1;
        tally.failovers += 1;
    }

    /// Forgets workers and models that have not been seen for a while, and makes places for new ones: they are shown before they have done anything.
    pub(crate) fn meet(&mut self, seen: &[WorkerSnapshot]) {
        let ids: BTreeMap<&str, &str> =
            seen.iter().map(|seen| (&*seen.member.id, &*seen.member.name)).collect();
        self.workers.retain(|id| ids.contains_key(id));
        let reports = seen.iter().filter_map(|seen| seen.report.as_ref());
        let on_offer: BTreeSet<&str> =
            reports.flat_map(|report| &report.models).map(|model| &*model.name).collect();
        self.models.retain(|name| on_offer.contains(name));
        for (id, name) in ids {
            if self.workers.admit(id) {
                self.workers.of(id).name = name.to_owned();
            }
        }
        for name in on_offer {
            self.models.admit(name);
        }
    }
}

impl ModelTally {
    fn new() -> Self {
        Self {
            ended: Default::default(),
            usage: Usage::default(),
            queue_wait: Histogram::of(&series::QUEUE_WAIT),
            first_byte: Histogram::of(&series::FIRST_BYTE),
            gap: Histogram::of(&series::GAP),
            tokens_per_second: Histogram::of(&series::TOKENS_PER_SECOND),
        }
    }

    fn settle(&mut self, settled: &Settled<'_>, ended: Ended) {
        let Settled { facts, request, usage, .. } = settled;
        self.ended[ended as usize] += 1;
        add(&mut self.usage, *usage);
        if facts.served_as.is_some() {
            self.queue_wait.observe_time(facts.queued);
        }
        if let Some(wait) = facts.first_byte {
            self.first_byte.observe_time(wait);
        }
        if let Some(gap) = facts.longest_gap {
            self.gap.observe_time(gap);
        }
        if let Some(speed) = request.tokens_per_second.filter(|speed| *speed > 0.0) {
            self.tokens_per_second.observe(speed);
        }
    }
}

impl WorkerTally {
    fn new() -> Self {
        Self {
            name: OTHER.to_owned(),
            usage: Usage::default(),
            processing: Duration::ZERO,
            failures: 0,
            failovers: 0,
            durations: CappedLabels::new(MAX_MODELS_OF_WORKER, || Histogram::of(&series::DURATION)),
        }
    }

    fn settle(&mut self, settled: &Settled<'_>) {
        add(&mut self.usage, settled.usage);
        self.processing += settled.processing;
        self.failures += u64::from(settled.request.outcome == EndedAs::Failed);
        let model = settled.facts.served_as.as_deref().unwrap_or(OTHER);
        self.durations.of(model).observe_time(settled.age);
    }
}
