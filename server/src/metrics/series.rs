//! All series of the server. Names and labels are those of the older server, with the worker's name added next to its id. The histograms are declared
//! in `accounting`, where they are filled.

use llamapool_telemetry::metrics::{Kind, Series};

use crate::accounting::histograms::{DURATION, FIRST_BYTE, GAP, QUEUE_WAIT, TOKENS_PER_SECOND};

pub(crate) static REQUESTS: Series = Series::counter(
    "llamapool_requests_total",
    &["path", "outcome"],
    "Requests that ended: `success`, `error` (a worker or runtime failed, or responded with 5xx other than 501), `refused` (by the server), \
     `left` (the client disconnected), or `cancelled`.",
);
pub(crate) static REJECTS: Series = Series::counter(
    "llamapool_rejects_total",
    &["reason"],
    "Requests that the server refused, by error code; `invalid_request` where the error has none.",
);
pub(crate) static BLOCKED: Series = Series::counter(
    "llamapool_blocked_total",
    &["reason"],
    "Requests without a valid key that the server refused, by error code. No other series counts them.",
);
pub(crate) static CANCELS: Series = Series::counter(
    "llamapool_cancels_total",
    &["by"],
    "Requests cancelled before they completed: the `client` disconnected, or an `admin` cancelled them.",
);
pub(crate) static IN_FLIGHT: Series = Series::gauge("llamapool_requests_in_flight", &[], "Open requests.");
pub(crate) static RECEIVED: Series =
    Series::counter("llamapool_received_bytes_total", &[], "Request bodies, counted when the request ends.");
pub(crate) static SENT: Series =
    Series::counter("llamapool_sent_bytes_total", &[], "Response bodies, counted when the request ends.");

pub(crate) static MODEL_REQUESTS: Series = Series::counter(
    "llamapool_model_requests_total",
    &["model", "outcome"],
    "Requests that named a model, by the worker's name for it; `other` for models that no worker has.",
);
pub(crate) static MODEL_TOKENS: Series = Series::counter(
    "llamapool_model_tokens_total",
    &["model", "kind"],
    "Tokens reported in responses: `in` (prompt), `out` (generated).",
);
pub(crate) static QUEUE_LENGTH: Series =
    Series::gauge("llamapool_queue_length", &["model"], "Requests waiting for a free slot.");
pub(crate) static MODEL_WORKERS: Series =
    Series::gauge("llamapool_model_workers", &["model"], "Workers that have the model and accept requests.");
pub(crate) static MODEL_LOADED: Series = Series::gauge(
    "llamapool_model_loaded_workers",
    &["model"],
    "Of those, workers that have it in memory, as far as their runtimes report it.",
);

const WORKER: &[&str] = &["worker_id", "worker"];

pub(crate) static WORKER_TOKENS: Series = Series::counter(
    "llamapool_worker_tokens_total",
    &["worker_id", "worker", "kind"],
    "Tokens reported in a worker's responses: `in` (prompt), `out` (generated).",
);
pub(crate) static WORKER_PROCESSING: Series = Series::counter(
    "llamapool_worker_processing_seconds_total",
    WORKER,
    "Total time that requests spent at a worker.",
);
pub(crate) static WORKER_FAILURES: Series = Series::counter(
    "llamapool_worker_failures_total",
    WORKER,
    "Requests that failed at a worker, including those that another worker took over. Errors caused by the caller do not count.",
);
pub(crate) static FAILOVERS: Series = Series::counter(
    "llamapool_failovers_total",
    WORKER,
    "Requests of a worker that another worker took over before the first byte.",
);
pub(crate) static WORKER_SLOTS: Series = Series::gauge(
    "llamapool_worker_slots",
    WORKER,
    "Maximum number of concurrent requests, as reported by the worker.",
);
pub(crate) static WORKER_SLOTS_USED: Series =
    Series::gauge("llamapool_worker_slots_used", WORKER, "Requests in flight at a worker.");
pub(crate) static TUNNEL_RECEIVED: Series = Series::counter(
    "llamapool_tunnel_received_bytes_total",
    WORKER,
    "Bytes received through a worker's tunnel since it connected.",
);
pub(crate) static TUNNEL_SENT: Series = Series::counter(
    "llamapool_tunnel_sent_bytes_total",
    WORKER,
    "Bytes sent through a worker's tunnel since it connected.",
);
pub(crate) static WORKER_STATE: Series = Series::gauge(
    "llamapool_worker_state",
    &["worker_id", "worker", "state"],
    "1 for the worker's current state, 0 for the others; `gone` for ten minutes after it left, after which the series ends.",
);
pub(crate) static WORKER_INFO: Series = Series {
    name: "llamapool_worker_info",
    kind: Kind::Info,
    labels: &["worker_id", "worker", "version", "backend", "backend_version"],
    help: "Information about a worker; always 1.",
};
pub(crate) static WORKERS: Series = Series::gauge(
    "llamapool_workers",
    &["state"],
    "Workers by state; `gone` are those that left in the last ten minutes.",
);

pub(crate) static SERVER_STATE: Series = Series::gauge(
    "llamapool_server_state",
    &["state"],
    "1 for the server's current state, 0 for the others; `not_ready` means that no worker is ready.",
);
pub(crate) static STATE_READERS: Series = Series::gauge(
    "llamapool_state_readers",
    &[],
    "Clients reading the state's event stream, such as open dashboards.",
);

/// All of them, in the order of the page.
pub(crate) static ALL: &[&Series] = &[
    &REQUESTS,
    &REJECTS,
    &BLOCKED,
    &CANCELS,
    &IN_FLIGHT,
    &RECEIVED,
    &SENT,
    &MODEL_REQUESTS,
    &MODEL_TOKENS,
    &QUEUE_WAIT,
    &FIRST_BYTE,
    &GAP,
    &TOKENS_PER_SECOND,
    &QUEUE_LENGTH,
    &MODEL_WORKERS,
    &MODEL_LOADED,
    &DURATION,
    &WORKER_TOKENS,
    &WORKER_PROCESSING,
    &WORKER_FAILURES,
    &FAILOVERS,
    &WORKER_SLOTS,
    &WORKER_SLOTS_USED,
    &TUNNEL_RECEIVED,
    &TUNNEL_SENT,
    &WORKER_STATE,
    &WORKER_INFO,
    &WORKERS,
    &SERVER_STATE,
    &STATE_READERS,
];
