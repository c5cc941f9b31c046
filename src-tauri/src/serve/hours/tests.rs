//! Hours in local time: over midnight, over weeks, and over clock changes.

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, Offset as _};
use proptest::prelude::*;

use super::*;

/// Monday, 2 March 2026, is day 0.
fn at(day: u64, hour: u32, minute: u32) -> NaiveDateTime {
    let monday = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    (monday + Days::new(day)).and_hms_opt(hour, minute, 0).unwrap()
}

fn hours(days: &[Day], from: u32, to: u32) -> Hours {
    let clock = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    Hours { days: days.to_vec(), from: clock(from), to: clock(to) }
}

#[test]
fn when_they_are_on() {
    let check = |hours: &Hours, now, wanted: bool| assert_eq!(hours.is_on(now), wanted, "{hours:?} at {now}");
    let office = hours(&[Day::Mon, Day::Tue], 9, 17);
    for (now, wanted) in [
        (at(0, 8, 59), false),
        (at(0, 9, 0), true),
        (at(0, 16, 59), true),
        (at(0, 17, 0), false),
        (at(1, 12, 0), true),
        (at(2, 12, 0), false),
    ] {
        check(&office, now, wanted);
    }
    let night = hours(&[Day::Fri, Day::Sun], 20, 8);
    for (now, wanted) in [
        (at(4, 7, 0), false),
        (at(4, 19, 59), false),
        (at(4, 20, 0), true),
        (at(5, 0, 0), true),
        (at(5, 7, 59), true),
        (at(5, 8, 0), false),
        (at(5, 23, 0), false),
        (at(6, 3, 0), false),
        (at(6, 23, 0), true),
        (at(7, 3, 0), true),
    ] {
        check(&night, now, wanted);
    }
    let all_day = hours(&[Day::Sat], 0, 0);
    for (now, wanted) in
        [(at(4, 23, 59), false), (at(5, 0, 0), true), (at(5, 23, 59), true), (at(6, 0, 0), false)]
    {
        check(&all_day, now, wanted);
    }
}

#[test]
fn when_they_start() {
    let check = |hours: &Hours, now, wanted| assert_eq!(hours.next_start(now), wanted, "{hours:?} at {now}");
    let daily = hours(&ALL_DAYS, 20, 8);
    check(&daily, at(0, 12, 0), at(0, 20, 0));
    check(&daily, at(0, 20, 0), at(1, 20, 0));
    let weekly = hours(&[Day::Mon], 9, 17);
    check(&weekly, at(0, 8, 59), at(0, 9, 0));
    check(&weekly, at(0, 17, 0), at(7, 9, 0));
    check(&weekly, at(3, 0, 0), at(7, 9, 0));
}

/// UTC+1 with daylight saving time from 29 March 2026, 2:00, to 25 October, 3:00.
#[derive(Clone, Copy)]
struct Zone;

impl Zone {
    fn change(month: u32, day: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap().and_hms_opt(1, 0, 0).unwrap()
    }

    fn offset(utc: &NaiveDateTime) -> FixedOffset {
        let is_summer = Self::change(3, 29) <= *utc && *utc < Self::change(10, 25);
        FixedOffset::east_opt(if is_summer { 2 } else { 1 } * 3_600).unwrap()
    }
}

impl TimeZone for Zone {
    type Offset = FixedOffset;

    fn from_offset(_offset: &FixedOffset) -> Self {
        Self
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<FixedOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
        let fits = |hours: i32| {
            let offset = FixedOffset::east_opt(hours * 3_600).unwrap();
            (Self::offset(&(*local - TimeDelta::hours(hours.into()))) == offset).then_some(offset)
        };
        match (fits(2), fits(1)) {
            (Some(first), Some(second)) => MappedLocalTime::Ambiguous(first, second),
            (Some(one), None) | (None, Some(one)) => MappedLocalTime::Single(one),
            (None, None) => MappedLocalTime::None,
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> FixedOffset {
        Self::offset(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
        Self::offset(utc)
    }
}

/// The local times of each minute, from this UTC time on.
fn minutes(from: NaiveDateTime, hours: i64) -> impl Iterator<Item = NaiveDateTime> {
    (0..hours * 60)
        .map(move |minute| Zone.from_utc_datetime(&(from + TimeDelta::minutes(minute))).naive_local())
}

#[test]
fn a_clock_set_forward_skips_no_hours() {
    let from_half_past_two =
        Hours { from: NaiveTime::from_hms_opt(2, 30, 0).unwrap(), ..hours(&ALL_DAYS, 0, 6) };
    let shown: Vec<_> = minutes(Zone::change(3, 29) - TimeDelta::hours(2), 8).collect();
    let first = shown.iter().find(|now| from_half_past_two.is_on(**now)).unwrap();
    assert_eq!(
        first.time(),
        NaiveTime::from_hms_opt(3, 0, 0).unwrap(),
        "the clock never shows half past two"
    );
    let on = shown.iter().filter(|now| from_half_past_two.is_on(**now)).count();
    assert_eq!(on, 3 * 60);
    let moment = instant(shown[0].date().and_time(from_half_past_two.from), &Zone).unwrap();
    assert_eq!(moment.naive_local().time(), NaiveTime::from_hms_opt(3, 30, 0).unwrap());
}

#[test]
fn a_clock_set_back_does_not_delay_their_end() {
    let night = hours(&ALL_DAYS, 22, 6);
    let shown = minutes(Zone::change(10, 25) - TimeDelta::hours(10), 24);
    assert_eq!(shown.filter(|now| night.is_on(*now)).count(), 9 * 60, "that night is an hour longer");
    let twice = Zone::change(10, 25).date().and_hms_opt(2, 30, 0).unwrap();
    assert_eq!(
        instant(twice, &Zone).unwrap().offset().fix().local_minus_utc(),
        2 * 3_600,
        "the earlier of the two"
    );
}

fn any_hours() -> impl Strategy<Value = Hours> {
    let time =
        (0..24u32, 0..60u32).prop_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap());
    let days = proptest::sample::subsequence(ALL_DAYS.to_vec(), 1..=7);
    (days, time.clone(), time).prop_map(|(days, from, to)| Hours { days, from, to })
}

proptest! {
    /// Nothing changes before the next change, and the next start is one.
    #[test]
    fn nothing_changes_between_changes(hours in any_hours(), minute in 0..14 * 24 * 60i64) {
        let now = at(0, 0, 0) + TimeDelta::minutes(minute);
        let change = hours.next_change(now);
        prop_assert!(change > now);
        let mut between = now;
        while between < change {
            prop_assert_eq!(hours.is_on(between), hours.is_on(now), "at {}", between);
            between += TimeDelta::minutes(1);
        }
        let start = hours.next_start(now);
        prop_assert!(start > now && start <= now + TimeDelta::days(7));
        prop_assert!(hours.is_on(start));
        if !hours.is_on(now) {
            let before = start - TimeDelta::minutes(1);
            prop_assert!(!hours.is_on(before), "not on before the start, at {}", before);
        }
    }
}
