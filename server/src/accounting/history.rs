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
pub(super) struct History {
    bins: VecDeque<Bin>,
    /// Times to the first byte in the newest bin. The percentiles of older bins do not change any more, so these need no samples.
    first_bytes: Samples,
}

/// Ten seconds.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Bin {
    /// When it begins, Unix seconds: a multiple of ten.
    pub(crate) at: u64,
    /// Requests that ended.
    pub(crate) requests: u32,
    /// Of those, failed by a worker or runtime.
    pub(crate) failed: u32,
    /// Of those, refused.
    pub(crate) refused: u32,
    /// Of those, requests whose client left, or that were cancelled.
    pub(crate) left: u32,
    /// Tokens generated, as replies report them.
    pub(crate) tokens_out: u64,
    /// The median time to the first byte, milliseconds.
    pub(crate) first_byte_p50: Option<f64>,
    /// The 95th percentile of the same.
    pub(crate) first_byte_p95: Option<f64>,
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
            OutcomeKind::Done | OutcomeKind::Blocked => {}
            OutcomeKind::Failed => bin.failed += 1,
            OutcomeKind::Refused => bin.refused += 1,
            OutcomeKind::Left | OutcomeKind::Cancelled => bin.left += 1,
        }
        bin.tokens_out += ended.usage.map_or(0, |usage| usage.tokens_out);
        if let Some(first_byte) = ended.record.first_byte {
            self.first_bytes.add(first_byte, SAMPLES);
        }
    }

    /// Records how many requests are open, and how many wait for a slot.
    pub(super) fn level(&mut self, now: SystemTime, in_flight: usize, queue: usize) {
        let bin = self.bin(now);
        bin.in_flight = bin.in_flight.max(in_flight as u32);
        bin.queue = bin.queue.max(queue as u32);
    }

    /// The bins from `since` (Unix seconds) on, or all of them if `since` is in the future: then the clock was set back, and the bins have moved.
    pub(super) fn since(&self, since: u64, now: SystemTime) -> Vec<Bin> {
        let since = if since > unix_seconds(now) { 0 } else { since };
        let mut bins: Vec<Bin> = self.bins.iter().filter(|bin| bin.at + BIN > since).copied().collect();
        bins.last_mut().into_iter().for_each(|newest| newest.measure(&self.first_bytes));
        bins
    }

    fn bin(&mut self, now: SystemTime) -> &mut Bin {
        let seconds = unix_seconds(now);
        let at = seconds - seconds % BIN;
        self.follow_clock_back(at);
        if self.bins.back().is_none_or(|newest| newest.at < at) {
            self.bins.back_mut().into_iter().for_each(|newest| newest.measure(&self.first_bytes));
            self.first_bytes.clear();
            self.bins.push_back(Bin { at, ..Bin::default() });
        }
        while self.bins.front().is_some_and(|oldest| oldest.at + BIN * BINS as u64 <= at) {
            self.bins.pop_front();
        }
        self.bins.back_mut().expect("there was one, or one has just been pushed")
    }

    /// After a small step back of the clock, the newest bin continues until the clock has caught up. After a large one, which corrects a wrong clock,
    /// all bins move with it: otherwise the charts would stand still until the wrong time is reached again.
    fn follow_clock_back(&mut self, at: u64) {
        let ahead = self.bins.back().map_or(0, |newest| newest.at.saturating_sub(at));
        if ahead > BIN {
            self.bins.iter_mut().for_each(|bin| bin.at = bin.at.saturating_sub(ahead));
        }
    }
}

impl Bin {
    fn measure(&mut self, first_bytes: &Samples) {
        self.first_byte_p50 = first_bytes.quantile(0.5);
        self.first_byte_p95 = first_bytes.quantile(0.95);
    }
}

/// Seconds since 1970, UTC.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
        let first_byte =
            |bin: &Bin| [bin.first_byte_p50, bin.first_byte_p95].map(|time| time.map(f64::round));
        assert_eq!(
            first_byte(&history.since(0, at(9))[0]),
            [Some(10.0), Some(30.0)],
            "while the bin is open"
        );
        history.level(at(11), 3, 2);
        history.level(at(12), 1, 4);
        let bins = history.since(0, at(12));
        assert_eq!(bins.iter().map(|bin| bin.at).collect::<Vec<_>>(), [1_000_000, 1_000_010]);
        assert_eq!((bins[0].requests, bins[0].failed, bins[0].tokens_out), (2, 1, 5));
        assert_eq!(first_byte(&bins[0]), [Some(10.0), Some(30.0)], "and after it");
        assert_eq!(first_byte(&bins[1]), [None, None], "no measurement of another bin");
        assert_eq!((bins[1].in_flight, bins[1].queue), (3, 4));
        let newest = history.since(1_000_010, at(12));
        assert_eq!(newest.len(), 1, "only the newest bin, which still changes");
        history.level(at(3_605), 0, 0);
        assert_eq!(history.since(0, at(3_605)).first().map(|bin| bin.at), Some(1_000_010));
    }

    #[test]
    fn nothing_is_lost_when_the_clock_is_set_back() {
        let requests = |bins: Vec<Bin>| bins.iter().map(|bin| bin.requests).sum::<u32>();
        for back in [99, 95, 1] {
            let mut history = History::default();
            history.settle(&ended(80, Outcome::Done, 0, None));
            history.settle(&ended(100, Outcome::Done, 0, None));
            history.settle(&ended(back, Outcome::Done, 0, None));
            assert_eq!(requests(history.since(0, at(back))), 3);
        }
    }

    #[test]
    fn charts_go_on_after_a_clock_that_was_far_ahead_is_corrected() {
        let mut history = History::default();
        let years = 40 * 365 * 24 * 3_600;
        history.settle(&ended(years, Outcome::Done, 0, None));
        history.settle(&ended(years + 10, Outcome::Done, 0, None));
        history.settle(&ended(50, Outcome::Done, 0, None));
        history.settle(&ended(60, Outcome::Done, 0, None));
        let bins = |since, now| -> Vec<(u64, u32)> {
            history.since(since, now).iter().map(|bin| (bin.at - 1_000_000, bin.requests)).collect()
        };
        let expected = [(40, 1), (50, 2), (60, 1)];
        assert_eq!(bins(0, at(60)), expected);
        assert_eq!(
            bins(1_000_000 + years, at(60)),
            expected,
            "a reader that has been told of the future gets all bins"
        );
        assert_eq!(bins(1_000_060, at(60)), [(60, 1)]);
    }
}
