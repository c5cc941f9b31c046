//! Counts since midnight, by this machine's clock and time zone.

use std::time::SystemTime;

use chrono::{DateTime, Local, NaiveDate};

use crate::usage::Usage;

/// The counts of one day; a new day starts at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Today {
    date: NaiveDate,
    pub(super) requests: u64,
    pub(super) usage: Usage,
}

impl Today {
    /// Records a request that has ended.
    pub(super) fn count(&mut self, date: NaiveDate, usage: Usage) {
        *self = self.at(date);
        self.requests += 1;
        self.usage += usage;
    }

    /// The counts of the given day, as far as they are known.
    pub(super) fn at(&self, date: NaiveDate) -> Self {
        if self.date == date { *self } else { Self { date, ..Self::default() } }
    }
}

/// The local date.
pub(super) fn local(now: SystemTime) -> NaiveDate {
    DateTime::<Local>::from(now).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_with_nothing() {
        let monday = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let tuesday = monday.succ_opt().unwrap();
        let usage = Usage { tokens_in: 1, tokens_out: 2 };
        let mut today = Today::default();
        today.count(monday, usage);
        today.count(monday, usage);
        assert_eq!((today.at(monday).requests, today.at(monday).usage.tokens_out), (2, 4));
        assert_eq!((today.at(tuesday).requests, today.at(tuesday).usage), (0, Usage::default()));
        today.count(tuesday, usage);
        assert_eq!((today.at(tuesday).requests, today.at(tuesday).usage), (1, usage));
    }
}
