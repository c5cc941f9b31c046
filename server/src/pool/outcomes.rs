//! How the requests of an upstream ended: the input of a circuit breaker.

/// How a request ended, from the point of view of the upstream that held its slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SlotOutcome {
    /// The upstream completed the response.
    Success,
    /// The upstream or its runtime failed.
    Failure,
    /// Says nothing against the upstream: the client left, the request was cancelled, or the upstream was busy.
    #[default]
    Neutral,
}

/// The outcomes of one upstream since it connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Requests that succeeded.
    pub successes: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Failures since the last success.
    pub consecutive_failures: u32,
}

impl Outcomes {
    pub(super) fn record(&mut self, outcome: SlotOutcome) {
        match outcome {
            SlotOutcome::Success => {
                self.successes += 1;
                self.consecutive_failures = 0;
            }
            SlotOutcome::Failure => {
                self.failures += 1;
                self.consecutive_failures = self.consecutive_failures.saturating_add(1);
            }
            SlotOutcome::Neutral => {}
        }
    }
}
