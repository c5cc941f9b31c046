//! What happened lately, in bins of ten seconds: an hour of it, for charts.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::state::view::{EndedAs, HistoryBin};

/// Seconds in a bin.
const BIN: u64 = 10;

/// Bins kept: an hour.
const BINS: usize = 360;

/// Samples kept for the percentiles of one bin; of more, every one that comes replaces an older one in turn.
const SAMPLES: usize = 512;

/// The bins, oldest first; those in which nothing happened are left out.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Bin>);

#[derive(Debug, Default)]
struct Bin {
    at: u64,
    requests: u32,
    failed: u32,
    refused: u32,
    left: u32,
    tokens_out: u64,
    first_bytes: Samples,
    queue: u32,
    inflight: u32,
}

/// The last so many measurements.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples {
    values: Vec<f32>,
    next: usize,
}

impl Samples {
    pub(crate) fn add(&mut self, value: Duration, most: usize) {
        let value = value.as_secs_f32() * 1000.0;
        if self.values.len() < most {
            self.values.push(value);
        } else {
            self.values[self.next % most] = value;
        }
        self.next += 1;
    }

    /// A quantile in milliseconds, by the nearest rank.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f32::total_cmp);
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).map(|value| f64::from(*value))
    }
}

impl History {
    /// A request ended.
    pub(crate) fn ended(
        &mut self,
        now: SystemTime,
        outcome: EndedAs,
        tokens_out: u64,
        first_byte: Option<Duration>,
    ) {
        let bin = self.bin(now);
        bin.requests += 1;
        match outcome {
            EndedAs::Done => {}
            EndedAs::Failed => bin.failed += 1,
            EndedAs::Refused => bin.refused += 1,
            EndedAs::Left | EndedAs::Cancelled => bin.left += 1,
        }
        bin.tokens_out += tokens_out;
        if let Some(wait) = first_byte {
            bin.first_bytes.add(wait, SAMPLES);
        }
    }

    /// So many are open and waiting.
    pub(crate) fn level(&mut self, now: SystemTime, inflight: usize, queue: usize) {
        let bin = self.bin(now);
        bin.inflight = bin.inflight.max(inflight as u32);
        bin.queue = bin.queue.max(queue as u32);
    }

    /// The bins from `since` (Unix seconds) on.
    pub(crate) fn view(&self, since: u64) -> Vec<HistoryBin> {
        let recent = self.0.iter().filter(|bin| bin.at + BIN > since);
        recent
            .map(|bin| HistoryBin {
                at: bin.at,
                requests: bin.requests,
                failed: bin.failed,
                refused: bin.refused,
                left: bin.left,
                tokens_out: bin.tokens_out,
                first_byte_p50_ms: bin.first_bytes.quantile(0.5),
                first_byte_p95_ms: bin.first_bytes.quantile(0.95),
                queue: bin.queue,
                inflight: bin.inflight,
            })
            .collect()
    }

    fn bin(&mut self, now: SystemTime) -> &mut Bin {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let at = seconds - seconds % BIN;
        // A clock set back goes on in the newest bin.
        if self.0.back().is_none_or(|newest| newest.at < at) {
            self.0.push_back(Bin { at, ..Bin::default() });
        }
        while self.0.front().is_some_and(|oldest| oldest.at + BIN * BINS as u64 <= at) {
            self.0.pop_front();
        }
        self.0.back_mut().expect("one was just pushed, or was there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn what_happens_falls_into_its_bin_and_an_hour_is_kept() {
        let mut history = History::default();
        history.ended(at(1), EndedAs::Done, 5, Some(Duration::from_millis(10)));
        history.ended(at(9), EndedAs::Failed, 0, Some(Duration::from_millis(30)));
        history.level(at(11), 3, 2);
        history.level(at(12), 1, 4);
        let bins = history.view(0);
        assert_eq!(bins.iter().map(|bin| bin.at).collect::<Vec<_>>(), [1_000_000, 1_000_010]);
        assert_eq!((bins[0].requests, bins[0].failed, bins[0].tokens_out), (2, 1, 5));
        assert_eq!(
            (bins[0].first_byte_p50_ms, bins[0].first_byte_p95_ms.map(f64::round)),
            (Some(10.0), Some(30.0))
        );
        assert_eq!((bins[1].inflight, bins[1].queue), (3, 4));
        assert_eq!(history.view(1_000_010).len(), 1, "only what is still open or newer");
        history.level(at(3_605), 0, 0);
        assert_eq!(history.view(0).first().map(|bin| bin.at), Some(1_000_010));
    }

    #[test]
    fn a_clock_set_back_loses_nothing() {
        let mut history = History::default();
        history.ended(at(100), EndedAs::Done, 0, None);
        history.ended(at(1), EndedAs::Done, 0, None);
        assert_eq!(history.view(0).iter().map(|bin| bin.requests).sum::<u32>(), 2);
    }
}
