//! What follows from the rules and from what is seen: data in, data out. That a battery was low is part of what goes in and comes out, so that it does not
//! go back and forth at the limit.

use std::time::SystemTime;

use chrono::{Local, NaiveDateTime, TimeDelta};

use super::hours;
use super::rules::Rules;
use crate::ipc::{OnBattery, PausedBy};

/// What the system says of its power. What it does not say is as if it were plugged in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Power {
    /// It runs on its battery.
    pub on_battery: bool,
    /// How full that is.
    pub percent: Option<u8>,
    /// It saves power.
    pub saver: bool,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Of the system.
    pub power: Power,
    /// On the clock on the wall.
    pub now: NaiveDateTime,
    /// Those of the named programs that run.
    pub programs: Vec<String>,
}

/// Why nothing is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The machine runs on its battery.
    OnBattery,
    /// It does, and the battery has only so many percent left.
    BatteryLow(u8),
    /// The system saves its battery.
    BatterySaver,
    /// This program runs.
    Program(String),
    /// It is not the hour.
    Hours {
        /// When it will be.
        until: NaiveDateTime,
        /// That is so far away that the time of day does not tell which.
        is_far: bool,
    },
}

impl Reason {
    /// In words that follow a colon.
    pub fn text(&self) -> String {
        match self {
            Self::OnBattery => "on battery".to_owned(),
            Self::BatteryLow(percent) => format!("battery at {percent} %"),
            Self::BatterySaver => "battery saver is on".to_owned(),
            Self::Program(name) => format!("{name} runs"),
            Self::Hours { until, is_far: false } => format!("until {}", until.format("%H:%M")),
            Self::Hours { until, is_far: true } => format!("until {}", until.format("%a %H:%M")),
        }
    }

    /// Whether the same rule says so, perhaps in other words.
    pub fn is_of_the_same_rule(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Program(one), Self::Program(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// When it ends, if that is known.
    pub fn until(&self) -> Option<SystemTime> {
        match self {
            Self::Hours { until, .. } => hours::instant(*until, &Local).map(Into::into),
            _ => None,
        }
    }

    /// For the windows.
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

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Every reason not to serve; the first is told.
    pub reasons: Vec<Reason>,
    /// Whether the battery is low until it is high again.
    pub is_low: bool,
}

/// What follows from the rules if this is seen and the battery was low, or was not.
pub fn verdict(rules: &Rules, seen: &Seen, was_low: bool) -> Verdict {
    let is_low = is_low(rules, seen.power, was_low);
    let reasons = battery(rules, seen.power, is_low)
        .into_iter()
        .chain((rules.pause_in_battery_saver && seen.power.saver).then_some(Reason::BatterySaver))
        .chain(seen.programs.iter().cloned().map(Reason::Program))
        .chain(closed(rules, seen.now))
        .collect();
    Verdict { reasons, is_low }
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

fn closed(rules: &Rules, now: NaiveDateTime) -> Option<Reason> {
    if !rules.only_in_hours || rules.hours.is_on(now) {
        return None;
    }
    let until = rules.hours.next_begin(now);
    Some(Reason::Hours { until, is_far: until - now >= TimeDelta::days(1) })
}

#[cfg(test)]
mod tests;
