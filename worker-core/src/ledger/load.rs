//! How busy the worker was in the last hour, in bins of ten seconds, for a chart.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use super::LoadBin;

/// Seconds in a bin.
const BIN: u64 = 10;

/// Bins kept: an hour.
const BINS: usize = 360;

/// The bins, oldest first, without gaps.
#[derive(Debug, Default)]
pub(super) struct Load {
    bins: VecDeque<LoadBin>,
    /// The number of running requests since the last change.
    running: u32,
}

impl Load {
    /// Records the number of running requests.
    pub(super) fn level(&mut self, now: SystemTime, running: u32) {
        let bin = self.bin(now);
        bin.running = bin.running.max(running);
        self.running = running;
    }

    /// Records a request that has ended.
    pub(super) fn ended(&mut self, now: SystemTime, tokens_out: u64) {
        let bin = self.bin(now);
        bin.requests += 1;
        bin.tokens_out += tokens_out;
    }

    pub(super) fn view(&mut self, now: SystemTime) -> Vec<LoadBin> {
        self.bin(now);
        self.bins.iter().copied().collect()
    }

    /// The current bin. Missing bins since the last one are filled in with the number of requests still running.
    fn bin(&mut self, now: SystemTime) -> &mut LoadBin {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let at = seconds - seconds % BIN;
        let hour = BIN * BINS as u64;
        let newest = self.bins.back().map(|bin| bin.at);
        // After a clock change by more than the history, the old bins are useless. After a smaller step back, the newest bin continues.
        if newest.is_some_and(|newest| newest.abs_diff(at) >= hour) {
            self.bins.clear();
        }
        let mut next = self.bins.back().map_or(at, |newest| newest.at + BIN);
        while next <= at {
            self.bins.push_back(LoadBin { at: next, running: self.running, ..LoadBin::default() });
            next += BIN;
        }
        while self.bins.len() > BINS {
            self.bins.pop_front();
        }
        self.bins.back_mut().expect("one was just pushed, or was there")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: u64 = 1_000_000;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(START + seconds)
    }

    fn bin(at: u64, running: u32, requests: u32, tokens_out: u64) -> LoadBin {
        LoadBin { at: START + at, running, requests, tokens_out }
    }

    #[test]
    fn a_bin_keeps_the_most_that_ran_and_what_ended() {
        let mut load = Load::default();
        load.level(at(1), 1);
        load.level(at(2), 2);
        load.ended(at(9), 7);
        load.level(at(9), 1);
        load.ended(at(9), 3);
        load.level(at(9), 0);
        assert_eq!(load.view(at(12)), [bin(0, 2, 2, 10), bin(10, 0, 0, 0)]);
    }

    #[test]
    fn what_goes_on_is_there_in_every_bin() {
        let mut load = Load::default();
        load.level(at(5), 2);
        assert_eq!(load.view(at(29)), [bin(0, 2, 0, 0), bin(10, 2, 0, 0), bin(20, 2, 0, 0)]);
        load.ended(at(31), 1);
        load.level(at(31), 1);
        assert_eq!(load.view(at(31))[3], bin(30, 2, 1, 1));
    }

    #[test]
    fn an_hour_is_kept() {
        let mut load = Load::default();
        load.level(at(0), 1);
        load.level(at(1), 0);
        let last = load.view(at(3599));
        assert_eq!((last.len(), last[0]), (BINS, bin(0, 1, 0, 0)));
        let later = load.view(at(3600));
        assert_eq!((later.len(), later[0], later[BINS - 1]), (BINS, bin(10, 0, 0, 0), bin(3600, 0, 0, 0)));
        assert_eq!(load.view(at(1_000_000)), [bin(1_000_000, 0, 0, 0)]);
    }

    #[test]
    fn a_clock_set_back_loses_nothing_but_by_an_hour() {
        let mut load = Load::default();
        load.ended(at(500), 0);
        load.ended(at(100), 0);
        assert_eq!(load.view(at(100)), [bin(500, 0, 2, 0)]);
        load.ended(UNIX_EPOCH + Duration::from_secs(10), 0);
        assert_eq!(load.view(UNIX_EPOCH), [LoadBin { at: 10, requests: 1, ..LoadBin::default() }]);
    }
}
