//! How often a worker that keeps failing is started again, and when that is given up.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait: a disk that is full or a port that is taken may be free by then.
const LONGEST: Duration = Duration::from_secs(60);

/// So many failures within [`SPAN`] are enough. The waits between them add up to about two minutes, longer than a restart of whatever is in the way.
const MOST: usize = 8;

/// Failures before that are forgotten.
const SPAN: Duration = Duration::from_secs(10 * 60);

/// The failures of late.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    failures: VecDeque<Instant>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start it again after that.
    Again(Duration),
    /// Leave it to people.
    GiveUp,
}

impl Restarts {
    /// It failed now.
    pub(super) fn failed(&mut self, now: Instant) -> Verdict {
        while self.failures.front().is_some_and(|first| now.duration_since(*first) >= SPAN) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        match self.failures.len() {
            n if n >= MOST => Verdict::GiveUp,
            n => Verdict::Again(LONGEST.min(FIRST * (1 << (n - 1)))),
        }
    }

    /// How often of late.
    pub(super) fn times(&self) -> u32 {
        self.failures.len() as u32
    }

    /// Somebody wants to see it tried anew.
    pub(super) fn forget(&mut self) {
        self.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        let waits: Vec<_> = (0..MOST).map(|_| restarts.failed(now)).collect();
        let seconds = [1, 2, 4, 8, 16, 32, 60].map(|n| Verdict::Again(Duration::from_secs(n)));
        assert_eq!(waits[..MOST - 1], seconds);
        assert_eq!(waits[MOST - 1], Verdict::GiveUp);
        assert_eq!(restarts.times(), MOST as u32);
    }

    #[test]
    fn old_failures_do_not_count() {
        let (mut restarts, begun) = (Restarts::default(), Instant::now());
        for n in 0..100 {
            assert_eq!(restarts.failed(begun + SPAN * n), Verdict::Again(FIRST));
        }
    }

    #[test]
    fn a_new_try_begins_anew() {
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        for _ in 0..MOST {
            restarts.failed(now);
        }
        restarts.forget();
        assert_eq!((restarts.times(), restarts.failed(now)), (0, Verdict::Again(FIRST)));
    }
}
