//! When a failed worker is restarted, and when to give up.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The delay after the first failure. It doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// The longest delay.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// The number of failures within [`WINDOW`] at which to give up. The delays between them add up to about two minutes.
const MAX_FAILURES: usize = 8;

/// Older failures do not count.
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// Recent failures.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    failures: VecDeque<Instant>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestartDecision {
    /// Restart after this time.
    Again(Duration),
    /// Do not restart.
    GiveUp,
}

impl Restarts {
    /// Records a failure.
    pub(super) fn failed(&mut self, now: Instant) -> RestartDecision {
        while self.failures.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        match self.failures.len() {
            n if n >= MAX_FAILURES => RestartDecision::GiveUp,
            n => RestartDecision::Again(MAX_DELAY.min(FIRST_DELAY * (1 << (n - 1)))),
        }
    }

    /// The number of recent failures.
    pub(super) fn times(&self) -> u32 {
        self.failures.len() as u32
    }

    /// Forgets all failures.
    pub(super) fn reset(&mut self) {
        self.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_until_it_gives_up() {
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        let decisions: Vec<_> = (0..MAX_FAILURES).map(|_| restarts.failed(now)).collect();
        let delays = [1, 2, 4, 8, 16, 32, 60].map(|n| RestartDecision::Again(Duration::from_secs(n)));
        assert_eq!(decisions[..MAX_FAILURES - 1], delays);
        assert_eq!(decisions[MAX_FAILURES - 1], RestartDecision::GiveUp);
        assert_eq!(restarts.times(), MAX_FAILURES as u32);
    }

    #[test]
    fn old_failures_do_not_count() {
        let (mut restarts, begun) = (Restarts::default(), Instant::now());
        for n in 0..100 {
            assert_eq!(restarts.failed(begun + WINDOW * n), RestartDecision::Again(FIRST_DELAY));
        }
    }

    #[test]
    fn a_reset_starts_over() {
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        for _ in 0..MAX_FAILURES {
            restarts.failed(now);
        }
        restarts.reset();
        assert_eq!((restarts.times(), restarts.failed(now)), (0, RestartDecision::Again(FIRST_DELAY)));
    }
}
