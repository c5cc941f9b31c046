//! Decides from rules and conditions whether to share: a pure function. Whether the battery was low is part of its input and output, for hysteresis.

use std::time::SystemTime;

use chrono::{Local, NaiveDateTime, TimeDelta};

use super::hours;
use super::rules::Rules;
use crate::ipc::{OnBattery, PausedBy};

/// The system's power state. If unknown, the computer counts as plugged in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Power {
    /// Runs on battery.
    pub on_battery: bool,
    /// The battery's charge.
    pub percent: Option<u8>,
    /// Battery saver is on.
    pub saver: bool,
}

/// The conditions that rules are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The power state.
    pub power: Power,
    /// The local time.
    pub now: NaiveDateTime,
    /// The running programs among those named in the rules.
    pub programs: Vec<String>,
}

/// Why nothing is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The computer runs on battery.
    OnBattery,
    /// It runs on battery and the charge is low, in percent.
    BatteryLow(u8),
    /// Battery saver is on.
    BatterySaver,
    /// This program is running.
    Program(String),
    /// It is outside the hours.
    Hours {
        /// When they start.
        until: NaiveDateTime,
        /// That is a day or more away, so the text includes the weekday.
        is_far: bool,
    },
}

impl Reason {
    /// The reason as text that follows a colon.
    pub fn text(&self) -> String {
        match self {
            Self::OnBattery => "on battery".to_owned(),
            Self::BatteryLow(percent) => format!("battery at {percent} %"),
            Self::BatterySaver => "battery saver is on".to_owned(),
            Self::Program(name) => format!("{name} is running"),
            Self::Hours { until, is_far: false } => format!("until {}", until.format("%H:%M")),
            Self::Hours { until, is_far: true } => format!("until {}", until.format("%a %H:%M")),
        }
    }

    /// Whether both come from the same rule, perhaps with another number or time.
    pub fn is_of_the_same_rule(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Program(one), Self::Program(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// When it ends, if known.
    pub fn until(&self) -> Option<SystemTime> {
        match self {
            Self::Hours { until, .. } => hours::instant(*until, &Local).map(Into::into),
            _ => None,
        }
    }

    /// The reason as windows get it.
    pub fn view(&self) -> PausedBy {
        match self {
            Self::OnBattery => PausedBy::OnBattery,
            Self::BatteryLow(percent) => PausedBy::BatteryLow { percent: *percent },
            Self::BatterySaver => PausedBy::BatterySaver,
            Self::Program(name) => PausedBy::Program { name: name.clone() },
            Self::Hours { .. } => PausedBy::Hours,
        }
    }
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// All reasons not to share. The first is shown.
    pub reasons: Vec<Reason>,
    /// Whether the battery counts as low, until it reaches the upper limit.
    pub is_low: bool,
}

/// Decides under these conditions. `was_low` is `is_low` of the previous decision.
pub fn decide(rules: &Rules, conditions: &Conditions, was_low: bool) -> Decision {
    let is_low = is_low(rules, conditions.power, was_low);
    let reasons = battery(rules, conditions.power, is_low)
        .into_iter()
        .chain((rules.pause_in_battery_saver && conditions.power.saver).then_some(Reason::BatterySaver))
        .chain(conditions.programs.iter().cloned().map(Reason::Program))
        .chain(outside_hours(rules, conditions.now))
        .collect();
    Decision { reasons, is_low }
}

fn is_low(rules: &Rules, power: Power, was_low: bool) -> bool {
    match power.percent {
        Some(percent) if rules.on_battery == OnBattery::Above && power.on_battery => {
            percent < rules.battery_low || (was_low && percent < rules.battery_high)
        }
        _ => false,
    }
}

fn battery(rules: &Rules, power: Power, is_low: bool) -> Option<Reason> {
    match rules.on_battery {
        OnBattery::Never if power.on_battery => Some(Reason::OnBattery),
        OnBattery::Above if is_low => power.percent.map(Reason::BatteryLow),
        _ => None,
    }
}

fn outside_hours(rules: &Rules, now: NaiveDateTime) -> Option<Reason> {
    if !rules.only_in_hours || rules.hours.is_on(now) {
        return None;
    }
    let until = rules.hours.next_start(now);
    Some(Reason::Hours { until, is_far: until - now >= TimeDelta::days(1) })
}

#[cfg(test)]
mod tests;
