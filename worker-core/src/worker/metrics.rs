//! What the worker tells Prometheus: the figures of its books, and how it is now.

use super::status::{Connection, Readiness, StatusPublisher};
use crate::ledger::totals;
use llamapool_telemetry::metrics::{Figures, Series, Source};

static CONNECTED: Series = Series::gauge(
    "llamapool_worker_connected_to_server",
    &[],
    "1 while the connection to the server is up, else 0.",
);
static RUNTIME: Series = Series::gauge(
    "llamapool_worker_connected_to_backend",
    &[],
    "1 while the runtime is there and answers, else 0.",
);
static JOBS: Series = Series::gauge("llamapool_worker_current_jobs", &[], "Requests that run.");
static SLOTS: Series =
    Series::gauge("llamapool_worker_max_concurrency", &[], "Requests that run at once, at most.");
static DRAINING: Series =
    Series::gauge("llamapool_worker_draining", &[], "1 while the worker takes nothing new, else 0.");
static MODELS: Series = Series::gauge(
    "llamapool_worker_models",
    &[],
    "Models that the runtime has; while it is away, those it had.",
);
static RECONNECTS: Series = Series::counter(
    "llamapool_worker_reconnects_total",
    &[],
    "Times the connection to the server was made again after the first.",
);
static LATENCY: Series = Series::gauge(
    "llamapool_worker_server_latency_seconds",
    &[],
    "How long the server took to answer, there and back, when it was last asked; nothing while there is no connection.",
);

/// All series of a worker, in the order of the reference page.
pub static SERIES: &[&Series] = &[
    &CONNECTED,
    &RUNTIME,
    &JOBS,
    &SLOTS,
    &DRAINING,
    &MODELS,
    &RECONNECTS,
    &LATENCY,
    &totals::STARTED,
    &totals::SUCCEEDED,
    &totals::FAILED,
    &totals::CANCELLED,
    &totals::DURATION,
    &totals::FIRST_BYTE,
    &totals::CANCEL_DELAY,
    &totals::RECEIVED,
    &totals::SENT,
    &totals::TOKENS,
];

impl Source for StatusPublisher {
    const COMPONENT: &'static str = "worker";
    const SERIES: &'static [&'static Series] = SERIES;

    fn gather(&self, figures: &mut Figures) {
        let status = self.now();
        let reconnects = status.connections.saturating_sub(1);
        figures.add(&CONNECTED, [], status.connection == Connection::Connected);
        figures.add(&RUNTIME, [], status.runtime == Readiness::Ready);
        figures.add(&JOBS, [], self.ledger().running());
        figures.add(&SLOTS, [], status.max_concurrency);
        figures.add(&DRAINING, [], status.draining);
        figures.add(&MODELS, [], status.models.len());
        figures.add(&RECONNECTS, [], reconnects);
        status.latency.into_iter().for_each(|latency| figures.add(&LATENCY, [], latency));
        self.ledger().totals().gather(figures);
    }
}
