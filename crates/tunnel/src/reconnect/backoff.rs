//! How long to wait before the next attempt: longer each time, up to a limit, and with jitter, so that a restarting server is not hit by all
//! clients at once.

use std::time::Duration;

/// Between attempts after a lost or failed connection.
pub(super) const QUICK: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// Between attempts if something has to be changed first.
pub(super) const SLOW: Backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(300));

/// A doubling, jittered delay.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    least: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, tries: 0 }
    }

    /// The next delay: between `least` and an end that doubles up to `most`. `random` is in 0..1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let doubled = self.least.saturating_mul(2u32.saturating_pow(self.tries.saturating_add(1)));
        self.tries = self.tries.saturating_add(1);
        self.least + (doubled.min(self.most) - self.least).mul_f64(random)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_delay_is_within_its_bounds(tries in 0..200usize, random in 0.0..1.0f64) {
            for mut backoff in [QUICK, SLOW] {
                for _ in 0..tries {
                    backoff.next(random);
                }
                let delay = backoff.next(random);
                prop_assert!(delay >= backoff.least && delay <= backoff.most, "{delay:?}");
            }
        }
    }

    #[test]
    fn the_delay_grows_to_its_bound() {
        let mut backoff = QUICK;
        let ends: Vec<u64> = (0..6).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(ends, [2, 4, 8, 16, 30, 30]);
    }
}
