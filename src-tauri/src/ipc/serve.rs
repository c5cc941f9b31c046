//! When to share: the rules as a form, and the rule that currently pauses sharing.

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

/// The rules, as chosen and typed in the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServeForm {
    /// Whether to share on battery.
    pub on_battery: OnBattery,
    /// Percentage below which sharing pauses.
    pub battery_low: String,
    /// Percentage at which sharing resumes.
    pub battery_high: String,
    /// Pause while battery saver is on.
    pub pause_in_battery_saver: bool,
    /// Share only during certain hours.
    pub only_in_hours: bool,
    /// The days on which these hours begin.
    pub days: Vec<Day>,
    /// Start time, such as 20:00.
    pub from: String,
    /// End time. If it is not later than the start, it is on the next day.
    pub to: String,
    /// Names of programs, separated by commas.
    pub pause_while: String,
}

/// Whether to share on battery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum OnBattery {
    /// Always.
    #[default]
    Always,
    /// Unless the battery is low.
    Above,
    /// Never.
    Never,
}

/// The rule that pauses sharing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum PausedBy {
    /// The computer is on battery.
    OnBattery,
    /// The computer is on battery, and the battery is low.
    BatteryLow {
        /// Charge, percent.
        percent: u8,
    },
    /// Battery saver is on.
    BatterySaver,
    /// A program is running.
    Program {
        /// Its name, as written in the rules.
        name: String,
    },
    /// It is outside the hours; `paused_until` is their next start.
    Hours,
}
