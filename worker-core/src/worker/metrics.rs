//! The worker's Prometheus metrics: the counts of its ledger, and its current status.

use super::status::{Connection, Readiness, StatusPublisher};
use crate::ledger::totals;
use llamapool_telemetry::metrics::{Figures, Series, Source};

static CONNECTED: Series = Series::gauge(
    "llamapool_worker_connected_to_server",
    &[],
    "1 while the connection to the server is up, else 0.",
);
static RUNTIME: Series =
    Series::gauge("llamapool_worker_connected_to_backend", &[], "1 while the runtime responds, else 0.");
static JOBS: Series = Series::gauge("llamapool_worker_current_jobs", &[], "Requests in flight.");
static SLOTS: Series =
    Series::gauge("llamapool_worker_max_concurrency", &[], "Maximum number of concurrent requests.");
static DRAINING: Series =
    Series::gauge("llamapool_worker_draining", &[], "1 while the worker accepts no new requests, else 0.");
static MODELS: Series = Series::gauge(
    "llamapool_worker_models",
    &[],
    "Models of the runtime; while it does not respond, those it had before.",
);
static RECONNECTS: Series = Series::counter(
    "llamapool_worker_reconnects_total",
    &[],
    "Reconnections to the server, not counting the first connection.",
);
static LATENCY: Series = Series::gauge(
    "llamapool_worker_server_latency_seconds",
    &[],
    "Latest round-trip time to the server; absent while not connected.",
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
