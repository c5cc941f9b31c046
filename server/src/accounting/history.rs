//! The last hour in bins of ten seconds, for charts.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use super::record::{EndedRequest, OutcomeKind};
use super::samples::Samples;

/// Seconds in a bin.
const BIN: u64 = 10;

/// Bins kept: an hour.
const BINS: usize = 360;

/// Measurements kept for the percentiles of one bin; beyond that, each new one replaces the oldest.
const SAMPLES: usize = 512;

/// The bins, oldest first. Bins in which nothing happened are left out.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Bin>);

/// Ten seconds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Bin {
    /// When it begins, Unix seconds: a multiple of ten.
    pub(crate) at: u64,
    /// Requests that ended.
    pub(crate) requests: u32,
    /// Of those, failed by a worker or runtime.
    pub(crate) failed: u32,
    /// Of those, refused.
    pub(crate) refused: u32,
    /// Of those, whose client left, or that were cancelled.
    pub(crate) left: u32,
    /// Tokens generated, as replies report them.
    pub(crate) tokens_out: u64,
    /// Times to the first byte.
    pub(crate) first_bytes: Samples,
    /// The longest queue.
    pub(crate) queue: u32,
    /// The most requests open at once.
    pub(crate) in_flight: u32,
}

impl History {
    /// A request has ended.
    pub(super) fn settle(&mut self, ended: &EndedRequest) {
        let bin = self.bin(ended.ended_at);
        bin.requests += 1;
        match ended.outcome() {
            OutcomeKind::Done => {}
            OutcomeKind::Failed => bin.failed += 1,
            OutcomeKind::Refused => bin.refused += 1,
            OutcomeKind::Left | OutcomeKind::Cancelled => bin.left += 1,
        }
        bin.tokens_out += ended.usage.map_or(0, |usage| usage.tokens_out);
        if let Some(first_byte) = ended.record.first_byte {
            bin.first_bytes.add(first_byte, SAMPLES);
        }
    }

    /// This many requests are open, and this many wait for a slot.
    pub(super) fn level(&mut self, now: SystemTime, in_flight: usize, queue: usize) {
        let bin = self.bin(now);
        bin.in_flight = bin.in_flight.max(in_flight as u32);
        bin.queue = bin.queue.max(queue as u32);
    }

    /// The bins from `since` (Unix seconds) on.
    pub(super) fn since(&self, since: u64) -> Vec<Bin> {
        self.0.iter().filter(|bin| bin.at + BIN > since).cloned().collect()
    }

    fn bin(&mut self, now: SystemTime) -> &mut Bin {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let at = seconds - seconds % BIN;
        // After the clock is set back, the newest bin goes on until the clock has caught up.
        if self.0.back().is_none_or(|newest| newest.at < at) {
            self.0.push_back(Bin { at, ..Bin::default() });
        }
        while self.0.front().is_some_and(|oldest| oldest.at + BIN * BINS as u64 <= at) {
            self.0.pop_front();
        }
        self.0.back_mut().expect("there was one, or one has just been pushed")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::record::{Outcome, RequestRecord};
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn ended(seconds: u64, outcome: Outcome, tokens_out: u64, first_byte: Option<u64>) -> EndedRequest {
        let first_byte = first_byte.map(Duration::from_millis);
        EndedRequest {
            id: String::new(),
            number: 1,
            record: RequestRecord { outcome, first_byte, ..RequestRecord::default() },
            ended_at: at(seconds),
            total: Duration::ZERO,
            processing: Duration::ZERO,
            generating: Duration::ZERO,
            bytes_out: 0,
            usage: Some(llamapool_worker_core::usage::Usage { tokens_in: 0, tokens_out }),
        }
    }

    #[test]
    fn what_happens_falls_into_its_bin_and_an_hour_is_kept() {
        let mut history = History::default();
        history.settle(&ended(1, Outcome::Done, 5, Some(10)));
        history.settle(&ended(9, Outcome::Failed(String::new()), 0, Some(30)));
        history.level(at(11), 3, 2);
        history.level(at(12), 1, 4);
        let bins = history.since(0);
        assert_eq!(bins.iter().map(|bin| bin.at).collect::<Vec<_>>(), [1_000_000, 1_000_010]);
        assert_eq!((bins[0].requests, bins[0].failed, bins[0].tokens_out), (2, 1, 5));
        let first_byte = |quantile| bins[0].first_bytes.quantile(quantile).map(f64::round);
        assert_eq!((first_byte(0.5), first_byte(0.95)), (Some(10.0), Some(30.0)));
        assert_eq!((bins[1].in_flight, bins[1].queue), (3, 4));
        assert_eq!(history.since(1_000_010).len(), 1, "only the newest bin, which still changes");
        history.level(at(3_605), 0, 0);
        assert_eq!(history.since(0).first().map(|bin| bin.at), Some(1_000_010));
    }

    #[test]
    fn nothing_is_lost_when_the_clock_is_set_back() {
        let mut history = History::default();
        history.settle(&ended(100, Outcome::Done, 0, None));
        history.settle(&ended(1, Outcome::Done, 0, None));
        assert_eq!(history.since(0).iter().map(|bin| bin.requests).sum::<u32>(), 2);
    }
}
