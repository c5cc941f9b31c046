//! Puts the snapshot together: from the books, the registry and the clock.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::host::Host;
use llamapool_worker_core::settings::build;
use llamapool_worker_core::tunnel::control::Readiness;

use super::view::{
    FinishedRequest, HostView, McpView, ModelView, ServerState, ServerView, Snapshot, WorkerModel,
    WorkerState, WorkerView, WorkersSummary,
};
use crate::accounting::ledger::WorkerBook;
use crate::app::App;
use crate::pool::{Waiting, WorkerSnapshot};

/// What a reader has already: it gets what is newer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Had {
    /// The highest settled count of requests.
    pub(super) newest_ended: Option<u64>,
    /// Unix seconds of the last look at the history.
    pub(super) history: u64,
}

/// The whole state now.
pub fn snapshot(app: &App) -> Snapshot {
    since(app, 0, Had::default())
}

/// The state now, with only what is new of what only grows.
pub(super) fn since(app: &App, version: u64, had: Had) -> Snapshot {
    let waiting = app.registry.waiting();
    let seen = app.registry.seen();
    let workers: Vec<WorkerView> = seen.into_iter().map(|seen| worker(app, seen, &waiting)).collect();
    Snapshot {
        version,
        server: server(app, &waiting),
        workers_summary: summary(&workers),
        models: models(&workers, &waiting),
        mcp: McpView::default(),
        live: app.ledger.live(),
        recent: app.ledger.recent(|request: &FinishedRequest| had.newest_ended == Some(request.number)),
        history: app.ledger.history(had.history),
        workers,
    }
}

/// How the server is.
pub(crate) fn server_state(app: &App) -> ServerState {
    match (app.drain.is_draining(), app.registry.is_ready()) {
        (true, _) => ServerState::Draining,
        (_, true) => ServerState::Ready,
        (_, false) => ServerState::NotReady,
    }
}

/// How a worker is.
pub(crate) fn worker_state(seen: &WorkerSnapshot) -> WorkerState {
    match (seen.gone, seen.report.as_ref().map(|report| report.state), seen.held) {
        (Some(_), ..) => WorkerState::Gone,
        (_, Some(Readiness::Draining), _) | (_, Some(_), true) => WorkerState::Draining,
        (_, Some(Readiness::Ready), _) if seen.in_flight > 0 => WorkerState::Working,
        (_, Some(Readiness::Ready), _) => WorkerState::Idle,
        (_, Some(Readiness::NotReady | Readiness::Other) | None, _) => WorkerState::NotReady,
    }
}

fn server(app: &App, waiting: &[Waiting]) -> ServerView {
    let totals = app.ledger.totals();
    ServerView {
        now: rfc3339(SystemTime::now()),
        version: build::VERSION.to_owned(),
        build_sha: build::SHA.to_owned(),
        build_date: build::DATE.to_owned(),
        state: server_state(app),
        uptime_s: app.started.elapsed().as_secs(),
        jobs_inflight_total: app.open_requests() as u64,
        jobs_completed_total: totals.done,
        jobs_failed_total: totals.failed,
        jobs_refused_total: totals.refused,
        jobs_cancelled_total: totals.left,
        failovers_total: totals.failovers,
        scheduler_queue_len: waiting.iter().map(|line| line.requests as u64).sum(),
        tokens_in_total: totals.usage.tokens_in,
        tokens_out_total: totals.usage.tokens_out,
        needs_key: !app.keys.is_open(),
        workers_need_key: !app.worker_keys.is_open(),
    }
}

fn worker(app: &App, seen: WorkerSnapshot, waiting: &[Waiting]) -> WorkerView {
    let book = app.ledger.worker(&seen.member.id);
    let report = seen.report.as_ref();
    let models = report.map_or(&[][..], |report| &report.models);
    let only_here =
        |line: &&Waiting| line.providers == 1 && models.iter().any(|model| line.serves(&model.name));
    let error = book.last_error.clone();
    WorkerView {
        status: worker_state(&seen),
        reason: report.and_then(|report| report.reason.clone()),
        connected_at: rfc3339(seen.joined),
        last_heartbeat: rfc3339(seen.heard),
        latency_ms: seen.latency.map(|took| took.as_micros() as f64 / 1000.0),
        gone_since: seen.gone.map(rfc3339),
        version: seen.member.version.clone(),
        backend_family: report.and_then(|report| report.runtime).unwrap_or_default().to_string(),
        backend_version: report.and_then(|report| report.runtime_version.clone()),
        models_supported: models.iter().map(|model| model.name.clone()).collect(),
        models: models
            .iter()
            .map(|model| WorkerModel {
                name: model.name.clone(),
                loaded: model.loaded,
                size: model.size,
                context: model.context,
                quantization: model.quantization.clone(),
            })
            .collect(),
        max_concurrency: report.map_or(0, |report| report.capacity),
        inflight: seen.in_flight,
        queue_len: waiting.iter().filter(only_here).map(|line| line.requests as u32).sum(),
        last_error: error.as_ref().map(|(why, _)| why.clone()),
        last_error_at: error.map(|(_, at)| rfc3339(at)),
        host: report.and_then(|report| report.host.as_ref()).map(host).unwrap_or_default(),
        id: seen.member.id.clone(),
        name: seen.member.name.clone(),
        ..figures(book)
    }
}

/// What the books say of a worker.
fn figures(book: WorkerBook) -> WorkerView {
    let seconds = |of: Duration| of.as_secs_f64();
    let mean = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
    WorkerView {
        processed_total: book.processed,
        processing_ms_total: book.processing.as_millis() as u64,
        avg_processing_ms: mean(seconds(book.processing) * 1000.0, book.processed as f64),
        failures_total: book.failures,
        tokens_in_total: book.usage.tokens_in,
        tokens_out_total: book.usage.tokens_out,
        tokens_total: book.usage.tokens_in + book.usage.tokens_out,
        avg_tokens_per_second: mean(book.usage.tokens_out as f64, seconds(book.generating)),
        first_byte_p50_ms: book.first_bytes.quantile(0.5),
        first_byte_p95_ms: book.first_bytes.quantile(0.95),
        per_model: book.per_model,
        ..WorkerView::default()
    }
}

fn host(host: &Host) -> HostView {
    HostView {
        hostname: host.hostname.clone(),
        os: host.os_version.clone().or_else(|| host.os.clone()),
        arch: host.arch.clone(),
        cpus: host.cpus,
        memory_bytes: host.memory_bytes,
    }
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
                    .filter(|line| line.serves(&model.name))
                    .map(|line| line.requests as u32)
                    .sum(),
            });
            view.workers += 1;
            view.loaded += u32::from(model.loaded == Some(true));
        }
    }
    models.into_values().collect()
}

/// RFC 3339 in UTC, with milliseconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
