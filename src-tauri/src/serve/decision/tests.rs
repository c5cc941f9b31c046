//! Which rules apply under which conditions.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::ipc::Day;

fn noon() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn conditions(power: Power) -> Conditions {
    Conditions { power, now: noon(), programs: Vec::new() }
}

fn on_battery(percent: u8) -> Power {
    Power { on_battery: true, percent: Some(percent), saver: false }
}

fn check(rules: &Rules, conditions: &Conditions, wanted: &[Reason]) {
    assert_eq!(decide(rules, conditions, false).reasons, wanted, "{rules:?}, {conditions:?}");
}

#[test]
fn without_rules_it_always_shares() {
    let saver = Power { saver: true, ..on_battery(1) };
    check(&Rules::default(), &conditions(saver), &[]);
    assert!(!Rules::default().needs_power());
}

#[test]
fn never_on_battery() {
    let rules = Rules { on_battery: OnBattery::Never, ..Rules::default() };
    check(&rules, &conditions(on_battery(100)), &[Reason::OnBattery]);
    check(&rules, &conditions(Power { percent: None, ..on_battery(1) }), &[Reason::OnBattery]);
    check(&rules, &conditions(Power { on_battery: false, ..on_battery(1) }), &[]);
    check(&rules, &conditions(Power::default()), &[]);
}

#[test]
fn low_stays_low_until_it_is_high_or_plugged_in() {
    let rules = Rules { on_battery: OnBattery::Above, battery_low: 20, battery_high: 50, ..Rules::default() };
    let plugged = Power { on_battery: false, ..on_battery(25) };
    let unknown = Power { percent: None, ..on_battery(0) };
    let mut is_low = false;
    for (power, wanted) in [
        (on_battery(35), None),
        (on_battery(20), None),
        (on_battery(19), Some(19)),
        (on_battery(20), Some(20)),
        (on_battery(49), Some(49)),
        (on_battery(50), None),
        (on_battery(49), None),
        (on_battery(5), Some(5)),
        (plugged, None),
        (on_battery(25), None),
        (on_battery(10), Some(10)),
        (unknown, None),
        (on_battery(30), None),
    ] {
        let decision = decide(&rules, &conditions(power), is_low);
        is_low = decision.is_low;
        assert_eq!(decision.reasons, wanted.map(Reason::BatteryLow).as_slice(), "{power:?}");
    }
}

#[test]
fn battery_saver() {
    let rules = Rules { pause_in_battery_saver: true, ..Rules::default() };
    let saver = Power { saver: true, ..Power::default() };
    check(&rules, &conditions(saver), &[Reason::BatterySaver]);
    check(&rules, &conditions(on_battery(3)), &[]);
}

#[test]
fn at_other_hours() {
    let mut rules = Rules { only_in_hours: true, ..Rules::default() };
    let evening = noon() + TimeDelta::hours(8);
    check(&rules, &conditions(Power::default()), &[Reason::Hours { until: evening, is_far: false }]);
    check(&rules, &Conditions { now: evening, ..conditions(Power::default()) }, &[]);
    rules.hours.days = vec![Day::Fri];
    let friday = Reason::Hours { until: evening + TimeDelta::days(4), is_far: true };
    assert_eq!(friday.text(), "until Fri 20:00");
    check(&rules, &conditions(Power::default()), &[friday]);
}

#[test]
fn all_reasons_are_given_in_order() {
    let rules = Rules {
        on_battery: OnBattery::Never,
        pause_in_battery_saver: true,
        only_in_hours: true,
        ..Rules::default()
    };
    let power = Power { saver: true, ..on_battery(50) };
    let all = Conditions { programs: vec!["steam".into(), "blender".into()], ..conditions(power) };
    let decision = decide(&rules, &all, false);
    let texts: Vec<_> = decision.reasons.iter().map(Reason::text).collect();
    assert_eq!(
        texts,
        ["on battery", "battery saver is on", "steam is running", "blender is running", "until 20:00"]
    );
    assert_eq!(Reason::BatteryLow(18).text(), "battery at 18 %");
}

proptest! {
    /// Sharing pauses below the lower limit, resumes at the upper one, and does not change in between.
    #[test]
    fn between_the_limits_nothing_changes(percents in proptest::collection::vec(0..=100u8, 1..50), low in 1..99u8, gap in 1..50u8) {
        let battery_high = low.saturating_add(gap).min(100);
        let rules = Rules { on_battery: OnBattery::Above, battery_low: low, battery_high, ..Rules::default() };
        let mut is_low = false;
        for percent in percents {
            let next = decide(&rules, &conditions(on_battery(percent)), is_low);
            match percent {
                percent if percent < low => prop_assert!(next.is_low),
                percent if percent >= battery_high => prop_assert!(!next.is_low),
                _ => prop_assert_eq!(next.is_low, is_low),
            }
            prop_assert_eq!(next.reasons.is_empty(), !next.is_low);
            is_low = next.is_low;
        }
    }
}
