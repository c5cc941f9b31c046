//! The histograms that requests fill. They are declared here, beside the code that measures, because a measurement needs its bounds; `metrics`
//! lists them with the other series.

use llamapool_telemetry::metrics::{Series, buckets};

pub(crate) static QUEUE_WAIT: Series = Series::histogram(
    "llamapool_request_queue_seconds",
    &["model"],
    buckets::QUEUE_WAIT,
    "Time waiting for a free slot.",
);
pub(crate) static FIRST_BYTE: Series = Series::histogram(
    "llamapool_request_first_byte_seconds",
    &["model"],
    buckets::FIRST_BYTE,
    "Time from a request's arrival to the first byte of its response, including time in the queue.",
);
pub(crate) static GAP: Series = Series::histogram(
    "llamapool_stream_longest_gap_seconds",
    &["model"],
    buckets::GAP,
    "Longest pause within a streamed response; pauses caused by a slow client do not count.",
);
pub(crate) static TOKENS_PER_SECOND: Series = Series::histogram(
    "llamapool_request_tokens_per_second",
    &["model"],
    buckets::TOKENS_PER_SECOND,
    "Generated tokens per second: from the first byte to the last for streams, over the total time at the worker for other responses.",
);
pub(crate) static DURATION: Series = Series::histogram(
    "llamapool_request_duration_seconds",
    &["worker_id", "worker", "model"],
    buckets::DURATION,
    "Time from a request's arrival to its end, for requests that reached a worker.",
);
