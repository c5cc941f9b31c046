//! Waiting for conditions.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long a test waits for what should come at once on an idle machine: the tests run beside a build.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Waits until `look` finds something and gives it back. Panics after [`PATIENCE`], saying `what` never came.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look).await
}

/// [`until`] with a limit of its own.
pub async fn until_within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Watches that `look` stays at its first value for all of `time`.
pub async fn holds<T: PartialEq + Debug>(time: Duration, what: &str, mut look: impl AsyncFnMut() -> T) {
    let (begun, first) = (Instant::now(), look().await);
    while begun.elapsed() < time {
        let now = look().await;
        assert!(now == first, "{what} changed from {first:?} to {now:?} after {:?}", begun.elapsed());
        tokio::time::sleep(LOOK_EVERY * 4).await;
    }
}
