//! The rules, kept in `desktop.yaml` under `serve`. All are off by default.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::hours::{ALL_DAYS, Hours};
use crate::ipc::{Day, OnBattery, Problem, ServeForm};

/// The format of times of day.
const TIME_FORMAT: &str = "%H:%M";

/// The largest number of programs: each is compared with every process.
const MAX_PROGRAMS: usize = 50;

/// When to share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRules", into = "RawRules")]
pub struct Rules {
    /// Whether to share on battery.
    pub on_battery: OnBattery,
    /// With [`OnBattery::Above`]: sharing pauses below this charge, in percent.
    pub battery_low: u8,
    /// With [`OnBattery::Above`]: sharing resumes at this charge, in percent.
    pub battery_high: u8,
    /// Pause while battery saver is on.
    pub pause_in_battery_saver: bool,
    /// Pause outside the hours.
    pub only_in_hours: bool,
    /// The hours.
    pub hours: Hours,
    /// Pause while one of these programs is running.
    pub pause_while: Vec<String>,
}

/// An invalid rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Mistake {
    /// The field in the file.
    pub field: &'static str,
    /// What is allowed.
    pub why: String,
}

/// The rules as in the file, not validated.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct RawRules {
    on_battery: OnBattery,
    battery_low: u8,
    battery_high: u8,
    pause_in_battery_saver: bool,
    only_in_hours: bool,
    days: Vec<Day>,
    from: String,
    to: String,
    pause_while: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("the hour is valid");
        Self {
            on_battery: OnBattery::Always,
            battery_low: 20,
            battery_high: 50,
            pause_in_battery_saver: false,
            only_in_hours: false,
            hours: Hours { days: ALL_DAYS.to_vec(), from: at(20), to: at(8) },
            pause_while: Vec::new(),
        }
    }
}

impl Rules {
    /// Whether any rule depends on the battery.
    pub fn needs_power(&self) -> bool {
        self.on_battery != OnBattery::Always || self.pause_in_battery_saver
    }

    /// The settings that decide whether the battery is low.
    pub fn battery(&self) -> (OnBattery, u8, u8) {
        (self.on_battery, self.battery_low, self.battery_high)
    }

    /// The rules as a form.
    pub fn form(&self) -> ServeForm {
        ServeForm {
            on_battery: self.on_battery,
            battery_low: self.battery_low.to_string(),
            battery_high: self.battery_high.to_string(),
            pause_in_battery_saver: self.pause_in_battery_saver,
            only_in_hours: self.only_in_hours,
            days: self.hours.days.clone(),
            from: format_time(self.hours.from),
            to: format_time(self.hours.to),
            pause_while: self.pause_while.join(", "),
        }
    }

    /// The rules of a form.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn from_form(form: &ServeForm) -> Result<Self, Mistake> {
        let names = form.pause_while.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        Self::validated(RawRules {
            on_battery: form.on_battery,
            battery_low: percent("battery_low", &form.battery_low)?,
            battery_high: percent("battery_high", &form.battery_high)?,
            pause_in_battery_saver: form.pause_in_battery_saver,
            only_in_hours: form.only_in_hours,
            days: form.days.clone(),
            from: form.from.clone(),
            to: form.to.clone(),
            pause_while: names.map(str::to_owned).collect(),
        })
    }

    fn validated(written: RawRules) -> Result<Self, Mistake> {
        let RawRules { on_battery, battery_low, battery_high, days, pause_while, .. } = written;
        check("battery_low", (1..=99).contains(&battery_low), "Enter a number from 1 to 99.")?;
        let is_above = battery_low < battery_high && battery_high <= 100;
        check("battery_high", is_above, "Enter a number above the lower limit, at most 100.")?;
        check("days", !days.is_empty(), "Choose at least one day.")?;
        check_programs(&pause_while)?;
        let hours = Hours {
            days: ALL_DAYS.into_iter().filter(|day| days.contains(day)).collect(),
            from: time("from", &written.from)?,
            to: time("to", &written.to)?,
        };
        let RawRules { pause_in_battery_saver, only_in_hours, .. } = written;
        Ok(Self {
            on_battery,
            battery_low,
            battery_high,
            pause_in_battery_saver,
            only_in_hours,
            hours,
            pause_while,
        })
    }
}

fn check(field: &'static str, is_right: bool, why: &str) -> Result<(), Mistake> {
    if is_right { Ok(()) } else { Err(Mistake { field, why: why.to_owned() }) }
}

fn check_programs(names: &[String]) -> Result<(), Mistake> {
    let field = "pause_while";
    check(field, names.len() <= MAX_PROGRAMS, "Enter at most 50 programs.")?;
    let are_names = names.iter().all(|name| !name.trim().is_empty() && !name.contains(['/', '\\']));
    check(field, are_names, "Enter program names without folders, such as steam, blender.exe.")
}

fn percent(field: &'static str, text: &str) -> Result<u8, Mistake> {
    let text = text.trim().trim_end_matches('%').trim_end();
    let why = "Enter a number from 1 to 100.";
    text.parse().map_err(|_| Mistake { field, why: why.to_owned() })
}

fn time(field: &'static str, text: &str) -> Result<NaiveTime, Mistake> {
    let why = "Enter a time from 00:00 to 23:59.";
    NaiveTime::parse_from_str(text.trim(), TIME_FORMAT).map_err(|_| Mistake { field, why: why.to_owned() })
}

fn format_time(time: NaiveTime) -> String {
    time.format(TIME_FORMAT).to_string()
}

impl From<Mistake> for Problem {
    fn from(mistake: Mistake) -> Self {
        Self::new("That rule isn’t valid").because(mistake.why).about(mistake.field)
    }
}

impl TryFrom<RawRules> for Rules {
    type Error = Mistake;

    fn try_from(written: RawRules) -> Result<Self, Mistake> {
        Self::validated(written)
    }
}

impl From<Rules> for RawRules {
    fn from(rules: Rules) -> Self {
        Self {
            on_battery: rules.on_battery,
            battery_low: rules.battery_low,
            battery_high: rules.battery_high,
            pause_in_battery_saver: rules.pause_in_battery_saver,
            only_in_hours: rules.only_in_hours,
            from: format_time(rules.hours.from),
            to: format_time(rules.hours.to),
            days: rules.hours.days,
            pause_while: rules.pause_while,
        }
    }
}

impl Default for RawRules {
    fn default() -> Self {
        Rules::default().into()
    }
}

#[cfg(test)]
mod tests;
