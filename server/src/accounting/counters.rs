//! Prometheus counters, updated as requests end. Only the ledger writes them, under the lock that it already holds.
//!
//! A request updates one entry for its model and one for its worker: two look-ups in small maps, without copying names, and a dozen additions.
//! Models and workers are counted under their real names, up to a limit; all others share one entry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use llamapool_telemetry::metrics::Histogram;
use llamapool_worker_core::usage::Usage;

use super::capped::{CappedLabels, EverShown, OTHER};
use super::histograms;
use super::record::{EndedRequest, Outcome, OutcomeKind};
use crate::pool::UpstreamSnapshot;

/// Models with counters of their own. Each has about eighty series.
const MAX_MODELS: usize = 200;

/// Workers with counters of their own. Each has a dozen series, and a histogram for each of its models.
const MAX_WORKERS: usize = 100;

/// Models of one worker with a histogram of their own, which has eighteen series.
const MAX_MODELS_OF_WORKER: usize = 20;

/// Most names of workers, their versions, and versions of their runtimes that are shown during the life of the process. Each can change with every
/// connection or report.
const MAX_NAMES: usize = 1_000;
const MAX_VERSIONS: usize = 100;
const MAX_RUNTIME_VERSIONS: usize = 200;

/// All counters.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    /// By path and outcome.
    pub(crate) requests: BTreeMap<(&'static str, OutcomeKind), u64>,
    /// By error code.
    pub(crate) rejects: BTreeMap<&'static str, u64>,
    /// Strangers' requests, by error code.
    pub(crate) blocked: BTreeMap<&'static str, u64>,
    /// Body bytes in.
    pub(crate) received: u64,
    /// Body bytes out.
    pub(crate) sent: u64,
    pub(crate) models: CappedLabels<ModelCounters>,
    pub(crate) workers: CappedLabels<WorkerCounters>,
    pub(crate) names: EverShown,
    pub(crate) versions: EverShown,
    pub(crate) runtime_versions: EverShown,
}

/// Counters of a model.
#[derive(Debug, Clone)]
pub(crate) struct ModelCounters {
    /// By outcome, in the order of [`OutcomeKind::ALL`].
    pub(crate) ended: [u64; OutcomeKind::ALL.len()],
    pub(crate) usage: Usage,
    pub(crate) queue_wait: Histogram,
    pub(crate) first_byte: Histogram,
    pub(crate) gap: Histogram,
    pub(crate) tokens_per_second: Histogram,
}

/// Counters of a worker.
#[derive(Debug, Clone)]
pub(crate) struct WorkerCounters {
    /// Its latest name.
    pub(crate) name: String,
    pub(crate) usage: Usage,
    pub(crate) processing: Duration,
    pub(crate) failures: u64,
    pub(crate) failovers: u64,
    pub(crate) durations: CappedLabels<Histogram>,
}

impl Counters {
    /// Starts at zero; `reject_codes` are shown before the first rejected request.
    pub(crate) fn new(reject_codes: &[&'static str]) -> Self {
        Self {
            requests: BTreeMap::new(),
            rejects: reject_codes.iter().map(|code| (*code, 0)).collect(),
            blocked: BTreeMap::new(),
            received: 0,
            sent: 0,
            models: CappedLabels::new(MAX_MODELS, ModelCounters::new),
            workers: CappedLabels::new(MAX_WORKERS, WorkerCounters::new),
            names: EverShown::new(MAX_NAMES),
            versions: EverShown::new(MAX_VERSIONS),
            runtime_versions: EverShown::new(MAX_RUNTIME_VERSIONS),
        }
    }

    /// A request has ended.
    pub(super) fn settle(&mut self, ended: &EndedRequest) {
        let record = &ended.record;
        if let Outcome::Blocked(code) = record.outcome {
            *self.blocked.entry(code).or_default() += 1;
            return;
        }
        *self.requests.entry((record.path, ended.outcome())).or_default() += 1;
        if let Outcome::Refused(code) = record.outcome {
            *self.rejects.entry(code).or_default() += 1;
        }
        self.received += record.received as u64;
        self.sent += ended.bytes_out;
        if record.model.is_some() {
            self.models.of(record.served_as.as_deref().unwrap_or(OTHER)).settle(ended);
        }
        if let Some(worker) = &record.worker {
            self.workers.of(&worker.id).settle(ended);
        }
    }

    /// Another worker takes over a request of this one before its first byte.
    pub(crate) fn failed_over(&mut self, worker_id: &str, is_failure: bool) {
        let worker = self.workers.of(worker_id);
        worker.failures += u64::from(is_failure);
        worker.failovers += 1;
    }

    /// Forgets workers that are not among `upstreams`, and models that no worker has if there are too many. Adds new ones, so that they are shown
    /// before
    pub(crate) fn track<'a>(&mut self, upstreams: impl Iterator<Item = &'a UpstreamSnapshot> + Clone) {
        let ids: BTreeMap<&str, &str> =
            upstreams.clone().map(|upstream| (&*upstream.identity.id, &*upstream.identity.name)).collect();
        self.workers.retain(|id| ids.contains_key(id));
        for upstream in upstreams.clone() {
            self.versions.admit(&upstream.identity.version);
            let version = upstream.report.as_ref().and_then(|report| report.runtime_version.as_deref());
            self.runtime_versions.admit(version.unwrap_or_default());
        }
        let reports = upstreams.filter_map(|upstream| upstream.report.as_ref());
        let on_offer: BTreeSet<&str> =
            reports.flat_map(|report| &report.models).map(|model| &*model.name).collect();
        if self.models.is_full() {
            self.models.retain(|name| on_offer.contains(name)); // until then, the counts of a model outlast its worker's restart
        }
        for (id, name) in ids {
            if self.workers.admit(id) {
                self.names.admit(name);
                self.workers.of(id).name = self.names.shown(name).to_owned();
            }
        }
        for name in on_offer {
            self.models.admit(name);
        }
    }
}

impl ModelCounters {
    fn new() -> Self {
        Self {
            ended: Default::default(),
            usage: Usage::default(),
            queue_wait: Histogram::of(&histograms::QUEUE_WAIT),
            first_byte: Histogram::of(&histograms::FIRST_BYTE),
            gap: Histogram::of(&histograms::GAP),
            tokens_per_second: Histogram::of(&histograms::TOKENS_PER_SECOND),
        }
    }

    fn settle(&mut self, ended: &EndedRequest) {
        let record = &ended.record;
        self.ended[ended.outcome() as usize] += 1;
        self.usage += ended.usage.unwrap_or_default();
        if record.served_as.is_some() {
            self.queue_wait.observe_time(record.queued);
        }
        if let Some(first_byte) = record.first_byte {
            self.first_byte.observe_time(first_byte);
        }
        if let Some(gap) = record.longest_gap {
            self.gap.observe_time(gap);
        }
        if let Some(speed) = ended.tokens_per_second().filter(|speed| *speed > 0.0) {
            self.tokens_per_second.observe(speed);
        }
    }
}

impl WorkerCounters {
    fn new() -> Self {
        Self {
            name: OTHER.to_owned(),
            usage: Usage::default(),
            processing: Duration::ZERO,
            failures: 0,
            failovers: 0,
            durations: CappedLabels::new(MAX_MODELS_OF_WORKER, || Histogram::of(&histograms::DURATION)),
        }
    }

    fn settle(&mut self, ended: &EndedRequest) {
        self.usage += ended.usage.unwrap_or_default();
        self.processing += ended.processing;
        self.failures += u64::from(ended.outcome() == OutcomeKind::Failed);
        let model = ended.record.served_as.as_deref().unwrap_or(OTHER);
        self.durations.of(model).observe_time(ended.total);
    }
}
