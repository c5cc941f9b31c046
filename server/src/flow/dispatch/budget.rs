//! The budget of a request before its first byte: attempts, lost upstreams and time. One bad request must not take down the whole pool.

use std::time::Duration;

use super::attempt::{AttemptError, TimeLimit};

/// After this many upstreams were lost during one request, no other is tried: the request may be what takes them down, for example because
/// its context needs more memory than they have. One loss may be an accident.
const MAX_LOSSES: usize = 2;

/// The remaining budget of a request.
pub(super) struct AttemptBudget {
    attempts: usize,
    /// How many upstreams may respond that they do not have what the request names.
    lookups: usize,
    losses: usize,
    /// Time for all attempts.
    limit: Option<Duration>,
    spent: Duration,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another candidate may be tried.
    TryNext,
    /// No other candidate is tried.
    Stop,
    /// Upstreams were lost one after the other: the request fails.
    RepeatedLoss,
}

impl AttemptBudget {
    /// A budget of this many attempts and lookups, and this much time for all of them; `None` means no limit.
    pub(super) fn new(attempts: usize, lookups: usize, limit: Option<Duration>) -> Self {
        Self { attempts, lookups, losses: MAX_LOSSES, limit, spent: Duration::ZERO }
    }

    /// How long the next attempt may take. Waiting for a slot has its own limit.
    pub(super) fn time_limit(&self) -> Option<TimeLimit> {
        self.limit.map(|total| TimeLimit { left: total.saturating_sub(self.spent), total })
    }

    /// An attempt failed after `took`.
    pub(super) fn note(&mut self, error: &AttemptError, took: Duration) -> Verdict {
        self.spent += took;
        self.attempts = self.attempts.saturating_sub(usize::from(error.was_begun()));
        self.lookups = self.lookups.saturating_sub(usize::from(matches!(error, AttemptError::NotHere(_))));
        self.losses = self.losses.saturating_sub(usize::from(error.is_loss()));
        match error {
            _ if self.losses == 0 => Verdict::RepeatedLoss,
            AttemptError::Fault(fault) if !fault.retry => Verdict::Stop,
            _ if self.attempts == 0 || self.lookups == 0 => Verdict::Stop,
            _ => Verdict::TryNext,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Fault;

    fn verdicts(attempts: usize, faults: &[Fault]) -> Vec<Verdict> {
        let mut budget = AttemptBudget::new(attempts, attempts, None);
        let errors = faults.iter().cloned().map(AttemptError::Fault);
        errors.map(|error| budget.note(&error, Duration::ZERO)).collect()
    }

    #[test]
    fn attempts_and_losses_are_bounded() {
        use Verdict::{RepeatedLoss, Stop, TryNext};
        let unreachable = || Fault::unreachable("down");
        let (lost, refused) = (|| Fault::lost("gone"), || Fault::refused("busy"));
        let check = |faults: &[Fault], expect: &[Verdict]| assert_eq!(verdicts(3, faults), expect);
        check(&[unreachable(), unreachable(), unreachable()], &[TryNext, TryNext, Stop]);
        check(&[lost(), lost()], &[TryNext, RepeatedLoss]);
        check(&[lost(), unreachable(), lost()], &[TryNext, TryNext, RepeatedLoss]);
        check(&[refused(), refused(), refused(), refused()], &[TryNext; 4]);
        check(&[Fault::timeout(Duration::ZERO)], &[Stop]);
        assert_eq!(verdicts(1, &[lost()]), [Stop]);
    }

    #[test]
    fn all_attempts_share_the_time() {
        let second = Duration::from_secs(1);
        let mut budget = AttemptBudget::new(9, 9, Some(6 * second));
        let limit = |left| Some(TimeLimit { left, total: 6 * second });
        assert_eq!(budget.time_limit(), limit(6 * second));
        budget.note(&AttemptError::Fault(Fault::unreachable("down")), 4 * second);
        assert_eq!(budget.time_limit(), limit(2 * second));
        budget.note(&AttemptError::Fault(Fault::unreachable("down")), 4 * second);
        assert_eq!(budget.time_limit(), limit(Duration::ZERO));
        assert_eq!(AttemptBudget::new(9, 9, None).time_limit(), None);
    }
}
