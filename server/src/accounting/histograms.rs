//! The histograms that requests fill. They are declared here, beside the code that measures, because a measurement needs its bounds; `metrics`
//! lists them with the other series.

use llamapool_telemetry::metrics::{Series, buckets};

pub(crate) static QUEUE_WAIT: Series = Series::histogram(
    "llamapool_request_queue_seconds",
    &["model"],
    buckets::QUEUE_WAIT,
    "Waiting for a free slot.",
);
pub(crate) static FIRST_BYTE: Series = Series::histogram(
    "llamapool_request_first_byte_seconds",
    &["model"],
    buckets::FIRST_BYTE,
    "From a request's arrival to the first byte of its answer, waiting included.",
);
pub(crate) static GAP: Series = Series::histogram(
    "llamapool_stream_longest_gap_seconds",
    &["model"],
    buckets::GAP,
    "The longest time that a streamed answer was silent for; a client that reads slowly does not count.",
);
pub(crate) static TOKENS_PER_SECOND: Series = Series::histogram(
    "llamapool_request_tokens_per_second",
    &["model"],
    buckets::TOKENS_PER_SECOND,
    "Generated tokens a second: from first byte to last, or, of an answer in one piece, while it was at the worker.",
);
pub(crate) static DURATION: Series = Series::histogram(
    "llamapool_request_duration_seconds",
    &["worker_id", "worker", "model"],
    buckets::DURATION,
    "From a request's arrival to its end, of those that a worker got.",
);
