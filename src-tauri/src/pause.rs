//! Timed pauses, and the files that keep a pause, or what a rule did, across restarts of the app.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Days, Local, NaiveTime, TimeZone};
use llamapool_settings::text_file;
use serde::{Deserialize, Serialize};

/// The file that exists while a rule holds a worker service, which does not know the app's rules.
const RULE_FILE: &str = "desktop-rule";

/// The file with the pause.
const FILE: &str = "desktop-pause.json";

/// The time at which "until tomorrow" ends.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(7, 0, 0).expect("the time is valid");

/// Below this number of days, a weekday is unambiguous.
const DAYS_OF_A_WEEK: i64 = 7;

/// The length of a pause, as menus offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Span {
    /// Half an hour.
    #[serde(rename = "30m")]
    HalfAnHour,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
    /// Until tomorrow morning.
    #[serde(rename = "tomorrow")]
    Tomorrow,
    /// Until the user resumes.
    #[serde(rename = "resumed")]
    Resumed,
}

/// A pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it ends. `None`: when the user resumes.
    pub until: Option<SystemTime>,
}

impl Pause {
    /// A pause of this length that starts now.
    pub fn new(span: Span, now: SystemTime) -> Self {
        let until = match span {
            Span::HalfAnHour => Some(now + Duration::from_secs(30 * 60)),
            Span::Hour => Some(now + Duration::from_secs(60 * 60)),
            Span::Tomorrow => Some(tomorrow(DateTime::<Local>::from(now)).into()),
            Span::Resumed => None,
        };
        Self { until }
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The time at which it ends, as text. Without "today" or "tomorrow", which would become wrong during the pause.
    pub fn clock(&self, now: SystemTime) -> Option<String> {
        let [until, now] = [self.until?, now].map(DateTime::<Local>::from);
        let form = match (until.date_naive() - now.date_naive()).num_days() {
            0 => "%H:%M",
            1..DAYS_OF_A_WEEK => "%a %H:%M",
            _ => "%Y-%m-%d",
        };
        Some(until.format(form).to_string())
    }
}

/// The next morning in this time zone.
fn tomorrow<Z: TimeZone>(now: DateTime<Z>) -> DateTime<Z> {
    let day = now.date_naive() + Days::new(1);
    let zone = now.timezone();
    // A clock change may skip that time, but not an hour later.
    let at = |time: NaiveTime| zone.from_local_datetime(&day.and_time(time)).earliest();
    at(MORNING)
        .or_else(|| at(MORNING + chrono::TimeDelta::hours(1)))
        .unwrap_or_else(|| now + chrono::TimeDelta::days(1))
}

/// The files that keep a pause.
#[derive(Debug, Clone)]
pub struct Memory {
    file: PathBuf,
    by_rule: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct StoredPause {
    /// Unix seconds.
    until: Option<u64>,
}

impl Memory {
    /// The files in this state folder.
    pub fn in_folder(state: &Path) -> Self {
        Self { file: state.join(FILE), by_rule: state.join(RULE_FILE) }
    }

    /// The stored pause, unless it is over.
    pub fn read(&self, now: SystemTime) -> Option<Pause> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let kept: StoredPause = serde_json::from_str(&text).ok()?;
        let until = match kept.until {
            Some(seconds) => Some(UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?),
            None => None,
        };
        Some(Pause { until }).filter(|pause| !pause.is_over(now))
    }

    /// Whether a pause is stored, even if it is over, or a rule held a service when the app was killed.
    pub fn is_left_over(&self) -> bool {
        self.file.exists() || self.by_rule.exists()
    }

    /// Stores whether a rule holds a service.
    pub fn set_rule(&self, holds: bool) {
        let stored =
            if holds { write(&self.by_rule, String::new()) } else { std::fs::remove_file(&self.by_rule) };
        if let Err(error) = stored
            && !text_file::is_absent(&error)
        {
            tracing::warn!(
                "If the app is killed, a rule may outlive it: {}: {error}",
                self.by_rule.display()
            );
        }
    }

    /// Stores a pause, or that there is none.
    pub fn write(&self, pause: Option<Pause>) {
        let written = match pause {
            Some(pause) => self.store(pause),
            None => std::fs::remove_file(&self.file),
        };
        match written {
            Err(error) if !text_file::is_absent(&error) => {
                tracing::warn!("The pause will not survive a restart: {}: {error}", self.file.display());
            }
            _ => {}
        }
    }

    fn store(&self, pause: Pause) -> io::Result<()> {
        let seconds = |until: SystemTime| until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let kept = StoredPause { until: pause.until.map(seconds) };
        write(&self.file, serde_json::to_string(&kept)?)
    }
}

fn write(file: &Path, text: String) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, NaiveDate};

    use super::*;

    const NOW: SystemTime = UNIX_EPOCH;

    #[test]
    fn spans() {
        let minutes = |n: u64| Some(NOW + Duration::from_secs(n * 60));
        assert_eq!(Pause::new(Span::HalfAnHour, NOW).until, minutes(30));
        assert_eq!(Pause::new(Span::Hour, NOW).until, minutes(60));
        assert_eq!(Pause::new(Span::Resumed, NOW).until, None);
    }

    #[test]
    fn tomorrow_is_seven_in_the_morning_here() {
        let zone = FixedOffset::east_opt(2 * 60 * 60).unwrap();
        let day = |d| NaiveDate::from_ymd_opt(2026, 2, d).unwrap();
        for (hour, minute) in [(0, 0), (6, 59), (7, 0), (23, 59)] {
            let now = zone.from_local_datetime(&day(27).and_hms_opt(hour, minute, 0).unwrap()).unwrap();
            assert_eq!(tomorrow(now).naive_local(), day(28).and_time(MORNING), "from {now}");
        }
        let last = zone.from_local_datetime(&day(28).and_hms_opt(12, 0, 0).unwrap()).unwrap();
        assert_eq!(tomorrow(last).date_naive(), NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
    }

    #[test]
    fn ends_at_its_time() {
        let pause = Pause::new(Span::Hour, NOW);
        assert!(!pause.is_over(NOW + Duration::from_secs(3_599)));
        assert!(pause.is_over(NOW + Duration::from_secs(3_600)));
        assert!(!Pause::new(Span::Resumed, NOW).is_over(NOW + Duration::from_secs(1 << 40)));
    }

    #[test]
    fn is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(&folder.path().join("not-there-yet"));
        memory.write(None);
        assert_eq!(memory.read(NOW), None);
        for span in [Span::HalfAnHour, Span::Resumed] {
            let pause = Pause::new(span, NOW);
            memory.write(Some(pause));
            assert_eq!(memory.read(NOW), Some(pause));
        }
        memory.write(None);
        assert_eq!(memory.read(NOW), None);
    }

    #[test]
    fn a_rule_that_held_a_service_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(&folder.path().join("not-there-yet"));
        memory.set_rule(false);
        assert!(!memory.is_left_over());
        memory.set_rule(true);
        assert!(memory.is_left_over() && memory.read(NOW).is_none(), "not a pause");
        memory.set_rule(false);
        assert!(!memory.is_left_over());
    }

    #[test]
    fn expired_or_invalid_pauses_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(folder.path());
        memory.write(Some(Pause::new(Span::Hour, NOW)));
        assert_eq!(memory.read(NOW + Duration::from_secs(3_600)), None);
        for rubbish in ["", "{", "{\"until\": -1}", "{\"until\": 18446744073709551615}"] {
            std::fs::write(folder.path().join(FILE), rubbish).unwrap();
            assert_eq!(memory.read(NOW), None, "{rubbish}");
        }
    }

    #[test]
    fn its_end_as_text() {
        let noon = Local.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
        let check = |minutes: i64, wanted: &str| {
            let until = Some((noon + chrono::TimeDelta::minutes(minutes)).into());
            assert_eq!(Pause { until }.clock(noon.into()).as_deref(), Some(wanted));
        };
        check(30, "12:30");
        check(12 * 60, "Sat 00:00");
        check(19 * 60, "Sat 07:00");
        check(6 * 24 * 60, "Thu 12:00");
        check(7 * 24 * 60, "2026-11-27");
        assert_eq!(Pause { until: None }.clock(noon.into()), None);
    }
}
