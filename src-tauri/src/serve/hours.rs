//! Hours of the week. The clock on the wall decides, whatever is done to it: when it is put forward over the beginning, they have begun.

use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// From Monday on.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    fn of(day: Weekday) -> Self {
        Self::ALL[day.num_days_from_monday() as usize]
    }
}

/// Hours that begin on some days of the week and are the same on each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// On which they begin. At least one.
    pub days: Vec<Day>,
    /// When they begin.
    pub from: NaiveTime,
    /// When they end: on the next day, unless that is later than they begin.
    pub to: NaiveTime,
}

impl Hours {
    /// Whether it is one of them.
    pub fn is_on(&self, now: NaiveDateTime) -> bool {
        let today = self.begin_on(now);
        if self.from < self.to {
            return today && self.from <= now.time() && now.time() < self.to;
        }
        let yesterday = now.checked_sub_days(Days::new(1)).is_some_and(|before| self.begin_on(before));
        (today && self.from <= now.time()) || (yesterday && now.time() < self.to)
    }

    /// When they begin the next time, after `now`.
    pub fn next_begin(&self, now: NaiveDateTime) -> NaiveDateTime {
        let begins = (0..=7).map(|days| now.date() + Days::new(days)).map(|day| day.and_time(self.from));
        let next = begins.filter(|begin| *begin > now).find(|begin| self.begin_on(*begin));
        next.unwrap_or(now + TimeDelta::days(7))
    }

    /// A time after `now` until which they neither begin nor end.
    pub fn next_change(&self, now: NaiveDateTime) -> NaiveDateTime {
        let days = [now.date(), now.date() + Days::new(1)];
        let times = days.into_iter().flat_map(|day| [day.and_time(self.from), day.and_time(self.to)]);
        times.filter(|time| *time > now).min().unwrap_or(now + TimeDelta::days(1))
    }

    fn begin_on(&self, day: NaiveDateTime) -> bool {
        self.days.contains(&Day::of(day.weekday()))
    }
}

/// When the clock shows this time. One that it skips has come as soon as it is past it.
pub fn instant<Z: TimeZone>(time: NaiveDateTime, zone: &Z) -> Option<DateTime<Z>> {
    // Nowhere is a clock put forward by more than this.
    let skipped = || zone.from_local_datetime(&(time + TimeDelta::hours(1))).earliest();
    zone.from_local_datetime(&time).earliest().or_else(skipped)
}

#[cfg(test)]
mod tests;
