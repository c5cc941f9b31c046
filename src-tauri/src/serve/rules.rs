//! The rules as they are kept in `desktop.yaml` (`serve`), all of them off unless somebody wants them.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::hours::{Day, Hours};
use crate::ipc::{OnBattery, Problem, ServeForm};

/// How times of day are written.
const CLOCK: &str = "%H:%M";

/// More names than anybody gives; each is compared with every process.
const MOST_PROGRAMS: usize = 50;

/// When to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rules {
    /// What the battery has to do with it.
    pub on_battery: OnBattery,
    /// Below this many percent nothing is served, if the battery counts.
    pub battery_low: u8,
    /// From this many percent on it is again.
    pub battery_high: u8,
    /// Nothing is served while the system saves its battery.
    pub pause_in_battery_saver: bool,
    /// Nothing is served at other hours.
    pub only_in_hours: bool,
    /// Which these are.
    pub hours: Hours,
    /// Nothing is served while one of these programs runs.
    pub pause_while: Vec<String>,
}

/// What is wrong with one of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Mistake {
    /// Its name in the file.
    pub field: &'static str,
    /// What is wanted instead.
    pub why: String,
}

/// The rules as the file has them.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Written {
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
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("that hour is one of a day's");
        Self {
            on_battery: OnBattery::Always,
            battery_low: 20,
            battery_high: 50,
            pause_in_battery_saver: false,
            only_in_hours: false,
            hours: Hours { days: Day::ALL.to_vec(), from: at(20), to: at(8) },
            pause_while: Vec::new(),
        }
    }
}

impl Rules {
    /// Whether anything has to be known of the battery.
    pub fn needs_power(&self) -> bool {
        self.on_battery != OnBattery::Always || self.pause_in_battery_saver
    }

    /// What decides whether the battery is low.
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
            from: clock(self.hours.from),
            to: clock(self.hours.to),
            pause_while: self.pause_while.join(", "),
        }
    }

    /// The rules that a form asks for.
    ///
    /// # Errors
    /// The first field that makes no sense.
    pub fn of_form(form: &ServeForm) -> Result<Self, Mistake> {
        let names = form.pause_while.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        Self::checked(Written {
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

    fn checked(written: Written) -> Result<Self, Mistake> {
        let Written { on_battery, battery_low, battery_high, days, pause_while, .. } = written;
        check(
            "battery_low",
            (1..=99).contains(&battery_low),
            "Wanted: a whole number of percent from 1 to 99.",
        )?;
        let is_above = battery_low < battery_high && battery_high <= 100;
        check("battery_high", is_above, "Wanted: more percent than the lower limit, at most 100.")?;
        check("days", !days.is_empty(), "Wanted: one day at least.")?;
        check_programs(&pause_while)?;
        let hours = Hours {
            days: Day::ALL.into_iter().filter(|day| days.contains(day)).collect(),
            from: time("from", &written.from)?,
            to: time("to", &written.to)?,
        };
        let Written { pause_in_battery_saver, only_in_hours, .. } = written;
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
    check(field, names.len() <= MOST_PROGRAMS, "Wanted: at most 50 programs.")?;
    let are_names = names.iter().all(|name| !name.trim().is_empty() && !name.contains(['/', '\\']));
    check(field, are_names, "Wanted: names of programs without their folders, as in steam, blender.exe.")
}

fn percent(field: &'static str, text: &str) -> Result<u8, Mistake> {
    let text = text.trim().trim_end_matches('%').trim_end();
    let why = "Wanted: a whole number of percent from 1 to 100.";
    text.parse().map_err(|_| Mistake { field, why: why.to_owned() })
}

fn time(field: &'static str, text: &str) -> Result<NaiveTime, Mistake> {
    let why = "Wanted: a time of day from 00:00 to 23:59.";
    NaiveTime::parse_from_str(text.trim(), CLOCK).map_err(|_| Mistake { field, why: why.to_owned() })
}

fn clock(time: NaiveTime) -> String {
    time.format(CLOCK).to_string()
}

impl From<Mistake> for Problem {
    fn from(mistake: Mistake) -> Self {
        Self::new("That rule makes no sense").because(mistake.why).about(mistake.field)
    }
}

impl TryFrom<Written> for Rules {
    type Error = Mistake;

    fn try_from(written: Written) -> Result<Self, Mistake> {
        Self::checked(written)
    }
}

impl From<Rules> for Written {
    fn from(rules: Rules) -> Self {
        Self {
            on_battery: rules.on_battery,
            battery_low: rules.battery_low,
            battery_high: rules.battery_high,
            pause_in_battery_saver: rules.pause_in_battery_saver,
            only_in_hours: rules.only_in_hours,
            from: clock(rules.hours.from),
            to: clock(rules.hours.to),
            days: rules.hours.days,
            pause_while: rules.pause_while,
        }
    }
}

impl Default for Written {
    fn default() -> Self {
        Rules::default().into()
    }
}

#[cfg(test)]
mod tests;
