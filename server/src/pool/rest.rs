//! When an upstream rests: after several failures in a row within a short time. A resting one is a last resort, chosen only if no other can serve.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::outcomes::SlotOutcome;

/// This many failures in a row within [`WINDOW`] make an upstream rest: one may be an accident, three are a pattern.
const FAILURES: usize = 3;

/// The time within which failures count together.
const WINDOW: Duration = Duration::from_secs(10);

/// How long it rests. A runtime that was restarted is back by then, and one that is still broken fails one request more.
const REST: Duration = Duration::from_secs(10);

/// The failures of an upstream since its last success.
#[derive(Debug, Default)]
pub(super) struct Rest {
    failures: VecDeque<Instant>,
    until: Option<Instant>,
}

impl Rest {
    /// Records the end of a request. Returns whether the upstream begins to rest. After a rest, one more failure is enough.
    pub(super) fn record(&mut self, outcome: SlotOutcome, now: Instant) -> bool {
        match outcome {
            SlotOutcome::Neutral => return false,
            SlotOutcome::Success => {
                *self = Self::default();
                return false;
            }
            SlotOutcome::Failure => {}
        }
        if self.failures.len() == FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let first = self.failures.front().filter(|_| self.failures.len() == FAILURES);
        let is_full = first.is_some_and(|first| now.duration_since(*first) <= WINDOW);
        if !is_full && self.until.is_none() {
            return false;
        }
        let rested = self.is_resting(now);
        self.until = Some(now + REST);
        !rested
    }

    /// Whether it rests.
    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::SlotOutcome::{Failure, Neutral, Success};
    use super::*;

    #[test]
    fn three_failures_in_a_row_within_ten_seconds_are_followed_by_ten_seconds_of_rest() {
        let start = Instant::now();
        let check = |ended: &[(u64, SlotOutcome)], at: u64, expect: bool| {
            let mut rest = Rest::default();
            for (second, outcome) in ended {
                rest.record(*outcome, start + Duration::from_secs(*second));
            }
            assert_eq!(rest.is_resting(start + Duration::from_secs(at)), expect, "{ended:?} at {at}");
        };
        check(&[(0, Failure), (1, Failure)], 1, false);
        check(&[(0, Failure), (5, Failure), (10, Failure)], 10, true);
        check(&[(0, Failure), (5, Failure), (10, Failure)], 19, true);
        check(&[(0, Failure), (5, Failure), (10, Failure)], 20, false);
        check(&[(0, Failure), (5, Failure), (11, Failure)], 11, false);
        check(&[(0, Failure), (1, Failure), (2, Success), (3, Failure)], 3, false);
        check(&[(0, Failure), (1, Failure), (2, Neutral), (3, Failure)], 3, true);
        let rested = [(0, Failure), (0, Failure), (0, Failure), (30, Failure)];
        check(&rested, 30, true);
        check(&[rested[0], rested[1], rested[2], (29, Success), (30, Failure)], 30, false);
    }
}
