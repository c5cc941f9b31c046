//! The bounds of histograms, for durations from the milliseconds of an embedding to half an hour for a long response on a small machine. Prometheus'
//! defaults end at ten seconds. Each bound is a series for every label value, so there are only as many as are needed to tell good from bad.

/// Time to the first byte of a response, seconds. An embedding takes milliseconds, a prompt some seconds, a model that has to be loaded minutes; ten
/// minutes is the server's default timeout.
pub const FIRST_BYTE: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Total time of a response, seconds: up to an hour, for reasoning models on small machines.
pub const DURATION: &[f64] =
    &[0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// Pause between two chunks of a response, seconds: from a token's usual 10 ms to two minutes, the server's default timeout.
pub const GAP: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Time waiting for a free slot, seconds: the first bound is for requests that need not wait, and a minute is the server's default timeout.
pub const QUEUE_WAIT: &[f64] = &[0.005, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];

/// Output tokens per second: from too slow to read to batches of small models.
pub const TOKENS_PER_SECOND: &[f64] =
    &[1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0];

/// Short durations, seconds: a cancellation, a round trip. From half a millisecond on one machine to ten seconds, which is a defect.
pub const MOMENT: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
