//! When to serve: the form of its rules, and which of them holds the worker.

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

/// The rules as people choose and type them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "../desktop/bindings/")]
pub struct ServeForm {
    /// What the battery has to do with it.
    pub on_battery: OnBattery,
    /// Percent below which nothing is served.
    pub battery_low: String,
    /// Percent from which on it is again.
    pub battery_high: String,
    /// Nothing is served while the system saves its battery.
    pub pause_in_battery_saver: bool,
    /// Nothing is served at other hours.
    pub only_in_hours: bool,
    /// On which days the hours begin.
    pub days: Vec<Day>,
    /// When, as in 20:00.
    pub from: String,
    /// When they end, perhaps on the next day.
    pub to: String,
    /// Names of programs, with commas between them.
    pub pause_while: String,
}

/// What the battery has to do with serving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum OnBattery {
    /// Nothing.
    #[default]
    Always,
    /// It must not be low.
    Above,
    /// Nothing is served on battery.
    Never,
}

/// Which rule holds the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[ts(export, export_to = "../desktop/bindings/")]
pub enum PausedBy {
    /// The machine runs on its battery.
    OnBattery,
    /// It does, and the battery is low.
    BatteryLow {
        /// How full it is.
        percent: u8,
    },
    /// The system saves its battery.
    BatterySaver,
    /// A program runs.
    Program {
        /// As it was named.
        name: String,
    },
    /// It is not the hour; `paused_until` is when it is.
    Hours,
}
