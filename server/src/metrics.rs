//! The server's Prometheus metrics. Counts come from the ledger's [`Counters`]; levels, such as queue lengths, are read from the registry and the
//! feed when they are scraped.

pub(crate) mod series;

use std::collections::BTreeMap;
use std::sync::Arc;

use llamapool_telemetry::metrics::{Figures, Label, Series, Source};
use llamapool_worker_core::usage::Usage;

use crate::accounting::histograms::{DURATION, FIRST_BYTE, GAP, QUEUE_WAIT, TOKENS_PER_SECOND};
use crate::accounting::record::OutcomeKind;
use crate::accounting::{Counters, OTHER, WorkerCounters};
use crate::pool::{RegistryView, UpstreamSnapshot};
use crate::state::view::{ServerState, WorkerState};
use crate::state::{Feed, StateSources, server_state};
use series::*;

const SERVER_STATES: [(ServerState, &str); 3] = [
    (ServerState::NotReady, "not_ready"),
    (ServerState::Ready, "ready"),
    (ServerState::Draining, "draining"),
];

const WORKER_STATES: [(WorkerState, &str); 5] = [
    (WorkerState::Idle, "idle"),
    (WorkerState::Working, "working"),
    (WorkerState::NotReady, "not_ready"),
    (WorkerState::Draining, "draining"),
    (WorkerState::Gone, "gone"),
];

/// The sources of the metrics.
pub(crate) struct ServerMetrics {
    /// Workers, requests and the drain.
    pub(crate) sources: Arc<StateSources>,
    /// Readers of the state.
    pub(crate) feed: Arc<Feed>,
}

impl Source for ServerMetrics {
    const COMPONENT: &'static str = "server";
    const SERIES: &'static [&'static Series] = ALL;

    fn gather(&self, figures: &mut Figures) {
        let StateSources { registry, ledger, drain, .. } = &*self.sources;
        let registry = registry.view();
        let counters = ledger.counters(registry.upstreams());
        requests(figures, &counters);
        models(figures, &counters);
        queues(figures, &registry, &counters);
        offers(figures, &registry.workers, &counters);
        for (id, worker) in counters.workers.iter() {
            worker_counts(figures, id, worker);
        }
        worker_levels(figures, &registry.workers, &counters);
        figures.add(&IN_FLIGHT, [], ledger.open_requests());
        figures.add(&STATE_READERS, [], self.feed.readers());
        let current = server_state(drain, &registry);
        for (state, label) in SERVER_STATES {
            figures.add(&SERVER_STATE, [label.into()], state == current);
        }
    }
}

/// An outcome as a label's value.
fn outcome_label(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Done => "success",
        OutcomeKind::Failed => "error",
        OutcomeKind::Refused => "refused",
        OutcomeKind::Blocked => "blocked",
        OutcomeKind::Left => "left",
        OutcomeKind::Cancelled => "cancelled",
    }
}

fn requests(figures: &mut Figures, counters: &Counters) {
    let mut cancels = [(OutcomeKind::Left, "client", 0), (OutcomeKind::Cancelled, "admin", 0)];
    for ((path, outcome), count) in &counters.requests {
        figures.add(&REQUESTS, [(*path).into(), outcome_label(*outcome).into()], *count);
        cancels.iter_mut().filter(|(how, ..)| how == outcome).for_each(|(.., sum)| *sum += count);
    }
    cancels.into_iter().for_each(|(_, by, count)| figures.add(&CANCELS, [by.into()], count));
    for (reason, count) in &counters.rejects {
        figures.add(&REJECTS, [(*reason).into()], *count);
    }
    for (reason, count) in &counters.blocked {
        figures.add(&BLOCKED, [(*reason).into()], *count);
    }
    figures.add(&RECEIVED, [], counters.received);
    figures.add(&SENT, [], counters.sent);
}

fn models(figures: &mut Figures, counters: &Counters) {
    for (name, model) in counters.models.iter() {
        let label = || Label::from(name.to_owned());
        for outcome in OutcomeKind::ALL {
            let count = model.ended[outcome as usize];
            figures.add(&MODEL_REQUESTS, [label(), outcome_label(outcome).into()], count);
        }
        for (kind, count) in kinds(model.usage) {
            figures.add(&MODEL_TOKENS, [label(), kind.into()], count);
        }
        figures.add(&QUEUE_WAIT, [label()], model.queue_wait.clone());
        figures.add(&FIRST_BYTE, [label()], model.first_byte.clone());
        figures.add(&GAP, [label()], model.gap.clone());
        figures.add(&TOKENS_PER_SECOND, [label()], model.tokens_per_second.clone());
    }
}

fn kinds(usage: Usage) -> [(&'static str, u64); 2] {
    [("in", usage.tokens_in), ("out", usage.tokens_out)]
}

/// Queue lengths, under the names of the model list.
fn queues(figures: &mut Figures, registry: &RegistryView, counters: &Counters) {
    let waiting = &registry.waiting;
    let mut rest: usize = waiting.iter().map(|queue| queue.requests).sum();
    for name in registry.model_names().into_iter().filter(|name| counters.models.knows(name)) {
        let requests: usize =
            waiting.iter().filter(|queue| queue.serves(name)).map(|queue| queue.requests).sum();
        rest -= requests;
        figures.add(&QUEUE_LENGTH, [name.to_owned().into()], requests);
    }
    figures.add(&QUEUE_LENGTH, [OTHER.into()], rest);
}

/// The number of workers that could accept requests, for each model.
fn offers(figures: &mut Figures, workers: &[UpstreamSnapshot], counters: &Counters) {
    let mut offers: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.gone.is_none()) {
        let ready = matches!(WorkerState::of(worker), WorkerState::Idle | WorkerState::Working);
        for model in worker.report.iter().flat_map(|report| &report.models) {
            if counters.models.knows(&model.name) {
                let (workers, loaded) = offers.entry(&model.name).or_default();
                *workers += u32::from(ready);
                *loaded += u32::from(ready && model.loaded == Some(true));
            }
        }
    }
    for (model, (workers, loaded)) in offers {
        figures.add(&MODEL_WORKERS, [model.to_owned().into()], workers);
        figures.add(&MODEL_LOADED, [model.to_owned().into()], loaded);
    }
}

fn worker_counts(figures: &mut Figures, id: &str, worker: &WorkerCounters) {
    let labels = || [Label::from(id.to_owned()), worker.name.clone().into()];
    for (kind, count) in kinds(worker.usage) {
        let [id, name] = labels();
        figures.add(&WORKER_TOKENS, [id, name, kind.into()], count);
    }
    figures.add(&WORKER_PROCESSING, labels(), worker.processing);
    figures.add(&WORKER_FAILURES, labels(), worker.failures);
    figures.add(&FAILOVERS, labels(), worker.failovers);
    for (model, durations) in worker.durations.iter() {
        let [id, name] = labels();
        figures.add(&DURATION, [id, name, model.to_owned().into()], durations.clone());
    }
}

/// The state of each worker. Workers without series of their own count in the sums only.
fn worker_levels(figures: &mut Figures, workers: &[UpstreamSnapshot], counters: &Counters) {
    let mut by_state = WORKER_STATES.map(|(state, label)| (state, label, 0u32));
    let mut rest = (0, 0);
    for worker in workers {
        let state = WorkerState::of(worker);
        by_state.iter_mut().filter(|(other, ..)| *other == state).for_each(|(.., count)| *count += 1);
        let slots =
            worker.report.as_ref().filter(|_| worker.gone.is_none()).map_or(0, |report| report.capacity);
        let Some(known) = counters.workers.get(&worker.identity.id) else {
            rest = (rest.0 + slots, rest.1 + worker.in_flight);
            continue;
        };
        worker_info(figures, worker, state, counters);
        let labels = || [Label::from(worker.identity.id.clone()), known.name.clone().into()];
        figures.add(&WORKER_SLOTS, labels(), slots);
        figures.add(&WORKER_SLOTS_USED, labels(), worker.in_flight);
        if let Some(traffic) = worker.traffic.filter(|_| worker.gone.is_none()) {
            figures.add(&TUNNEL_RECEIVED, labels(), traffic.received);
            figures.add(&TUNNEL_SENT, labels(), traffic.sent);
        }
    }
    if rest != (0, 0) {
        figures.add(&WORKER_SLOTS, [OTHER.into(), OTHER.into()], rest.0);
        figures.add(&WORKER_SLOTS_USED, [OTHER.into(), OTHER.into()], rest.1);
    }
    by_state.into_iter().for_each(|(_, label, count)| figures.add(&WORKERS, [label.into()], count));
}

fn worker_info(figures: &mut Figures, worker: &UpstreamSnapshot, state: WorkerState, counters: &Counters) {
    let name = counters.names.shown(&worker.identity.name);
    let labels = || [Label::from(worker.identity.id.clone()), name.to_owned().into()];
    for (other, label) in WORKER_STATES {
        let [id, name] = labels();
        figures.add(&WORKER_STATE, [id, name, label.into()], other == state);
    }
    let [id, name] = labels();
    let report = worker.report.as_ref();
    let backend = report.and_then(|report| report.runtime).unwrap_or_default().to_string();
    let backend_version = report.and_then(|report| report.runtime_version.as_deref()).unwrap_or_default();
    let backend_version = counters.runtime_versions.shown(backend_version).to_owned();
    let version = counters.versions.shown(&worker.identity.version).to_owned();
    figures.add(&WORKER_INFO, [id, name, version.into(), backend.into(), backend_version.into()], 1u64);
}

#[cfg(test)]
mod tests;
