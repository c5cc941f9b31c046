//! Assembles the snapshot from the registry, the ledger and the clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use llamapool_settings::build;
use llamapool_telemetry::logs::RunningLogs;

use super::view::{
    FinishedRequest, HistoryBin, LiveRequest, McpView, ModelView, ServerState, ServerView, Snapshot,
    WorkerState, WorkerView, WorkersSummary, rfc3339,
};
use crate::accounting::{Ledger, LedgerView, Since};
use crate::changes::Changes;
use crate::drain::Drain;
use crate::pool::{Registry, RegistryView, UpstreamSnapshot, Waiting};

/// Most models of all workers in a snapshot: 4,000 with long names take about 2 MB.
const MAX_MODELS: usize = 4_000;

/// The sources of the state.
pub struct StateSources {
    /// Workers and queues.
    pub registry: Registry,
    /// Requests.
    pub ledger: Arc<Ledger>,
    /// Whether the server is about to stop.
    pub drain: Drain,
    /// Notified by all of these when they change.
    pub changes: Changes,
    /// When the server started.
    pub started: Instant,
    /// Whether callers need a key.
    pub needs_key: bool,
    /// Whether workers need a key.
    pub workers_need_key: bool,
    /// The logs of the process.
    pub logs: Option<RunningLogs>,
}

/// The state now. Of ended requests and history, which only grow, it has what is new.
pub(super) fn snapshot_since(sources: &StateSources, version: u64, since: Since) -> Snapshot {
    let registry = sources.registry.view();
    let ledger = sources.ledger.view(since);
    let most = models_per_worker(&registry);
    let mut models_cut = 0;
    let mut view = |worker: &UpstreamSnapshot| {
        let mut view = WorkerView::of(worker, &ledger.worker(&worker.identity.id), &registry.waiting);
        models_cut += view.cut_models(most);
        view
    };
    let workers: Vec<WorkerView> = registry.workers.iter().map(&mut view).collect();
    Snapshot {
        version,
        server: server(sources, &registry, &ledger),
        workers_summary: summary(&workers),
        models: models(&workers, &registry.waiting),
        models_cut: u32::try_from(models_cut).unwrap_or(u32::MAX),
        mcp: McpView::default(),
        live: ledger.in_flight.iter().map(|request| LiveRequest::from(&**request)).collect(),
        recent: ledger.recent.iter().map(|ended| FinishedRequest::from(&**ended)).collect(),
        history: ledger.history.iter().map(HistoryBin::from).collect(),
        workers,
    }
}

/// How many models of each worker are shown: all of them if they fit; otherwise every worker has the same share.
fn models_per_worker(registry: &RegistryView) -> usize {
    let reports = registry.workers.iter().filter_map(|worker| worker.report.as_ref());
    let (offering, offered) = reports
        .filter(|report| !report.models.is_empty())
        .fold((0, 0), |sum, report| (sum.0 + 1, sum.1 + report.models.len()));
    if offered <= MAX_MODELS { usize::MAX } else { (MAX_MODELS / offering).max(1) }
}

/// The state of the server itself.
pub(crate) fn server_state(drain: &Drain, registry: &RegistryView) -> ServerState {
    match (drain.is_draining(), registry.is_ready) {
        (true, _) => ServerState::Draining,
        (_, true) => ServerState::Ready,
        (_, false) => ServerState::NotReady,
    }
}

fn server(sources: &StateSources, registry: &RegistryView, ledger: &LedgerView) -> ServerView {
    let totals = &ledger.totals;
    ServerView {
        now: rfc3339(SystemTime::now()),
        version: build::VERSION.to_owned(),
        build_sha: build::SHA.to_owned(),
        build_date: build::DATE.to_owned(),
        state: server_state(&sources.drain, registry),
        uptime_s: sources.started.elapsed().as_secs(),
        jobs_inflight_total: ledger.in_flight.len() as u64,
        jobs_completed_total: totals.done,
        jobs_failed_total: totals.failed,
        jobs_refused_total: totals.refused,
        jobs_blocked_total: totals.blocked,
        jobs_cancelled_total: totals.left,
        failovers_total: totals.failovers,
        scheduler_queue_len: registry.waiting.iter().map(|queue| queue.requests as u64).sum(),
        tokens_in_total: totals.usage.tokens_in,
        tokens_out_total: totals.usage.tokens_out,
        needs_key: sources.needs_key,
        workers_need_key: sources.workers_need_key,
        problems: problems(sources),
    }
}

/// Problems of the server itself.
fn problems(sources: &StateSources) -> Vec<String> {
    sources.logs.iter().filter_map(|logs| Some(logs.problem()?.what)).collect()
}

fn summary(workers: &[WorkerView]) -> WorkersSummary {
    let count = |state| workers.iter().filter(|worker| worker.status == state).count() as u32;
    let gone = count(WorkerState::Gone);
    WorkersSummary {
        connected: workers.len() as u32 - gone,
        working: count(WorkerState::Working),
        idle: count(WorkerState::Idle),
        not_ready: count(WorkerState::NotReady),
        draining: count(WorkerState::Draining),
        gone,
    }
}

fn models(workers: &[WorkerView], waiting: &[Waiting]) -> Vec<ModelView> {
    let mut models: BTreeMap<&str, ModelView> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.status != WorkerState::Gone) {
        for model in &worker.models {
            let view = models.entry(&model.name).or_insert_with(|| ModelView {
                name: model.name.clone(),
                workers: 0,
                loaded: 0,
                queue_len: waiting
                    .iter()
                    .filter(|queue| queue.serves(&model.name))
                    .map(|queue| queue.requests as u32)
                    .sum(),
            });
            view.workers += 1;
            view.loaded += u32::from(model.loaded == Some(true));
        }
    }
    models.into_values().collect()
}
