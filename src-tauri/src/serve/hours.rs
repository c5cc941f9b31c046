//! Hours of the week, in local time: if the clock is set forward past the start, they have started.

use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

use crate::ipc::Day;

/// The days of the week, from Monday on.
pub const ALL_DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

/// Hours that start on some days of the week, at the same time on each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The days on which they start. At least one.
    pub days: Vec<Day>,
    /// When they start.
    pub from: NaiveTime,
    /// When they end: on the next day, unless this is later than `from`.
    pub to: NaiveTime,
}

impl Hours {
    /// Whether `now` is within them.
    pub fn is_on(&self, now: NaiveDateTime) -> bool {
        let today = self.start_on(now);
        if self.from < self.to {
            return today && self.from <= now.time() && now.time() < self.to;
        }
        let yesterday = now.checked_sub_days(Days::new(1)).is_some_and(|before| self.start_on(before));
        (today && self.from <= now.time()) || (yesterday && now.time() < self.to)
    }

    /// The next start after `now`.
    pub fn next_start(&self, now: NaiveDateTime) -> NaiveDateTime {
        let starts = (0..=7).map(|days| now.date() + Days::new(days)).map(|day| day.and_time(self.from));
        let next = starts.filter(|start| *start > now).find(|start| self.start_on(*start));
        next.unwrap_or(now + TimeDelta::days(7))
    }

    /// A time after `now` until which they neither start nor end.
    pub fn next_change(&self, now: NaiveDateTime) -> NaiveDateTime {
        let days = [now.date(), now.date() + Days::new(1)];
        let times = days.into_iter().flat_map(|day| [day.and_time(self.from), day.and_time(self.to)]);
        times.filter(|time| *time > now).min().unwrap_or(now + TimeDelta::days(1))
    }

    fn start_on(&self, day: NaiveDateTime) -> bool {
        self.days.contains(&ALL_DAYS[day.weekday().num_days_from_monday() as usize])
    }
}

/// The moment of this local time. A time skipped by a clock change is an hour later.
pub fn instant<Z: TimeZone>(time: NaiveDateTime, zone: &Z) -> Option<DateTime<Z>> {
    // No clock change is larger than this.
    let skipped = || zone.from_local_datetime(&(time + TimeDelta::hours(1))).earliest();
    zone.from_local_datetime(&time).earliest().or_else(skipped)
}

#[cfg(test)]
mod tests;
