//! What the server tells Prometheus. Counts come from the ledger's [`Counters`]; what goes up and down is looked at when it is asked for, where it is:
//! in the registry, the line, the feed.

pub(crate) mod series;

use std::collections::BTreeMap;

use llamapool_worker_core::metrics::{Figures, Label, Series, Source};

use crate::accounting::{CappedLabels, OTHER};
use crate::accounting::{Counters, Ended, WorkerTally};
use crate::app::App;
use crate::pool::{ListedModel, Waiting, WorkerSnapshot};
use crate::state::snapshot::{server_state, worker_state};
use crate::state::view::{ServerState, WorkerState};
use llamapool_worker_core::usage::Usage;
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

impl Source for App {
    const COMPONENT: &'static str = "server";
    const SERIES: &'static [&'static Series] = ALL;

    fn gather(&self, figures: &mut Figures) {
        let seen = self.registry.seen();
        let upstreams = [&seen[..], &self.registry.endpoints()].concat();
        let tally = self.ledger.tally(&upstreams);
        requests(figures, &tally);
        models(figures, &tally);
        queues(figures, &self.registry.waiting(), &self.registry.models(), &tally);
        offers(figures, &seen, &tally);
        for (id, worker) in tally.workers.iter() {
            worker_counts(figures, id, worker);
        }
        worker_levels(figures, &seen, &tally.workers);
        figures.add(&IN_FLIGHT, [], self.open_requests());
        figures.add(&STATE_READERS, [], self.feed.readers());
        for (state, word) in SERVER_STATES {
            figures.add(&SERVER_STATE, [word.into()], state == server_state(self));
        }
    }
}

fn requests(figures: &mut Figures, tally: &Counters) {
    let mut cancels = [(Ended::Left, "client", 0), (Ended::Cancelled, "admin", 0)];
    for ((path, ended), count) in &tally.requests {
        figures.add(&REQUESTS, [(*path).into(), ended.word().into()], *count);
        cancels.iter_mut().filter(|(how, ..)| how == ended).for_each(|(.., sum)| *sum += count);
    }
    cancels.into_iter().for_each(|(_, by, count)| figures.add(&CANCELS, [by.into()], count));
    for (reason, count) in &tally.rejects {
        figures.add(&REJECTS, [(*reason).into()], *count);
    }
    figures.add(&RECEIVED, [], tally.received);
    figures.add(&SENT, [], tally.sent);
}

fn models(figures: &mut Figures, tally: &Counters) {
    for (name, model) in tally.models.iter() {
        let label = || Label::from(name.to_owned());
        for ended in Ended::ALL {
            figures.add(&MODEL_REQUESTS, [label(), ended.word().into()], model.ended[ended as usize]);
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

/// The lines, under the names of the model list.
fn queues(figures: &mut Figures, waiting: &[Waiting], listed: &[ListedModel], tally: &Counters) {
    let mut left: usize = waiting.iter().map(|line| line.requests).sum();
    for model in listed.iter().filter(|model| tally.models.knows(&model.id)) {
        let requests: usize =
            waiting.iter().filter(|line| line.serves(&model.id)).map(|line| line.requests).sum();
        left -= requests;
        figures.add(&QUEUE_LENGTH, [model.id.clone().into()], requests);
    }
    figures.add(&QUEUE_LENGTH, [OTHER.into()], left);
}

/// Who could take requests for which model.
fn offers(figures: &mut Figures, seen: &[WorkerSnapshot], tally: &Counters) {
    let mut offers: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for worker in seen.iter().filter(|seen| seen.gone.is_none()) {
        let ready = matches!(worker_state(worker), WorkerState::Idle | WorkerState::Working);
        for model in worker.report.iter().flat_map(|report| &report.models) {
            if tally.models.knows(&model.name) {
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

fn worker_counts(figures: &mut Figures, id: &str, worker: &WorkerTally) {
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

/// How workers are. Those without figures of their own are in the sums only.
fn worker_levels(figures: &mut Figures, seen: &[WorkerSnapshot], known: &CappedLabels<WorkerTally>) {
    let mut by_state = WORKER_STATES.map(|(state, word)| (state, word, 0u32));
    let mut rest = (0, 0);
    for worker in seen {
        let state = worker_state(worker);
        by_state.iter_mut().filter(|(other, ..)| *other == state).for_each(|(.., count)| *count += 1);
        let slots =
            worker.report.as_ref().filter(|_| worker.gone.is_none()).map_or(0, |report| report.capacity);
        if !known.knows(&worker.member.id) {
            rest = (rest.0 + slots, rest.1 + worker.in_flight);
            continue;
        }
        worker_facts(figures, worker, state);
        let labels = || [Label::from(worker.member.id.clone()), worker.member.name.clone().into()];
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
    by_state.into_iter().for_each(|(_, word, count)| figures.add(&WORKERS, [word.into()], count));
}

fn worker_facts(figures: &mut Figures, worker: &WorkerSnapshot, state: WorkerState) {
    let labels = || [Label::from(worker.member.id.clone()), worker.member.name.clone().into()];
    for (other, word) in WORKER_STATES {
        let [id, name] = labels();
        figures.add(&WORKER_STATE, [id, name, word.into()], other == state);
    }
    let [id, name] = labels();
    let report = worker.report.as_ref();
    let backend = report.and_then(|report| report.runtime).unwrap_or_default().to_string();
    let backend_version = report.and_then(|report| report.runtime_version.clone()).unwrap_or_default();
    let version = worker.member.version.clone();
    figures.add(&WORKER_INFO, [id, name, version.into(), backend.into(), backend_version.into()], 1u64);
}

#[cfg(test)]
mod tests;
