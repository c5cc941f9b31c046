//! The bounds of histograms: for what takes milliseconds with an embedding and half an hour with a long answer on a small machine. Prometheus' own
//! default ends at ten seconds. Each bound is a series of its own for every label, so there are as few as still tell good from bad.

/// To the first byte of an answer, seconds. An embedding takes milliseconds, a prompt some seconds, a model that has to be loaded minutes; ten
/// minutes is when the server gives up by default.
pub const FIRST_BYTE: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// A whole answer, seconds: up to an hour, as reasoning models on small machines take it.
pub const DURATION: &[f64] =
    &[0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// Between two pieces of an answer, seconds: from a token's usual 10 ms to the two minutes after which the server gives up by default.
pub const GAP: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Waiting for a free slot, seconds: the first bound is for those who need not wait, and a minute is when the server gives up by default.
pub const QUEUE_WAIT: &[f64] = &[0.005, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];

/// Generated tokens a second: from what people find too slow to read to what batches of small models reach.
pub const TOKENS_PER_SECOND: &[f64] =
    &[1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0];

/// What should be over in a moment, seconds: a cancel, a round trip. From half a millisecond on one machine to ten seconds, which is broken.
pub const MOMENT: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
