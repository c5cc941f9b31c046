//! Limits log lines that workers and strangers can cause at will, for example with each connection.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines about faults in each [`WINDOW`]: enough to see every worker of a pool whose key is wrong, and no more than 14,400 a day.
pub(crate) const FAULTS: u32 = 10;

/// Lines about workers that join or leave in each [`WINDOW`]: enough for all workers of a pool that come back after a restart.
pub(crate) const SESSIONS: u32 = 300;

/// The time after which the count starts again.
const WINDOW: Duration = Duration::from_secs(60);

/// Decides which events of a kind are logged.
#[derive(Debug)]
pub(crate) struct LogLimit {
    lines: u32,
    count: Mutex<Option<Count>>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl LogLimit {
    /// At most this many lines in each [`WINDOW`].
    pub(crate) fn new(lines: u32) -> Self {
        Self { lines, count: Mutex::default() }
    }

    /// Records one event. Returns whether to log it, and how many were left out since the last line.
    pub(crate) fn note(&self) -> Option<u64> {
        let now = Instant::now();
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out = 0;
        if let Some(over) = count.take_if(|count| now.duration_since(count.since) >= WINDOW) {
            left_out = over.left_out;
        }
        let count = count.get_or_insert(Count { since: now, written: 0, left_out: 0 });
        if count.written == self.lines {
            count.left_out += 1;
            return None;
        }
        count.written += 1;
        Some(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_writes_ten_lines_a_minute_and_says_what_it_left_out() {
        let log = LogLimit::new(FAULTS);
        let written = || (0..1_000).filter_map(|_| log.note()).collect::<Vec<_>>();
        assert_eq!(written(), [0; 10]);
        tokio::time::advance(WINDOW - Duration::from_secs(1)).await;
        assert_eq!(written(), [0; 0]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(written(), [&[1_990][..], &[0; 9]].concat());
    }
}
