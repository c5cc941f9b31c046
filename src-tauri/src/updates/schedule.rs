//! When to look for newer versions, and what to do about one: functions of the time and of what is the case.

use std::time::{Duration, SystemTime};

use crate::ipc::UpdateMode;

/// The first look is that long after the start at the latest, and each later one that much later than it might be: not all machines of an office
/// at once.
const SPREAD: Duration = Duration::from_secs(15 * 60);

/// How often it is looked.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest sleep. A sleep does not count the time in which the machine sleeps too.
const NAP: Duration = Duration::from_secs(60 * 60);

/// After a restart that did not come to be, because somebody wanted to stay.
pub const PATIENCE: Duration = NAP;

/// When it is looked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    next: SystemTime,
}

impl Schedule {
    /// For an app that starts now. `luck` is between 0 and 1, as everywhere here.
    pub fn start(now: SystemTime, luck: f64) -> Self {
        Self { next: now + SPREAD.mul_f64(luck) }
    }

    /// It was looked now.
    pub fn looked(&mut self, now: SystemTime, luck: f64) {
        self.next = now + DAILY + SPREAD.mul_f64(luck);
    }

    /// Whether it is time. It is as well if the clock was put back, and the next look would be in years.
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.next.duration_since(now).map_or(true, |left| left.is_zero() || left > DAILY + SPREAD)
    }

    /// How long there is nothing to do.
    pub fn wait(&self, now: SystemTime) -> Duration {
        match self.next.duration_since(now) {
            Ok(left) if !self.is_due(now) => left.min(NAP),
            _ => Duration::ZERO,
        }
    }
}

/// What is the case.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// What the person wants.
    pub mode: UpdateMode,
    /// A newer version is fetched.
    pub is_staged: bool,
    /// Somebody wants it to be looked for.
    pub is_asked: bool,
    /// It is time to look.
    pub is_due: bool,
    /// No request runs.
    pub is_idle: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Look for a newer version, and fetch it.
    Look,
    /// Put it in place.
    Restart,
    /// Nothing.
    Wait,
}

/// What to do now.
pub fn step(now: Situation) -> Step {
    match now {
        Situation { is_staged: true, mode: UpdateMode::Auto, is_idle: true, .. } => Step::Restart,
        Situation { is_staged: true, .. } => Step::Wait,
        Situation { is_asked: true, .. } => Step::Look,
        Situation { is_due: true, mode: UpdateMode::Auto | UpdateMode::Ask, .. } => Step::Look,
        Situation { .. } => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn the_first_look_is_soon_but_not_at_once_for_all() {
        let check = |luck: f64, after: u64| {
            let schedule = Schedule::start(START, luck);
            assert_eq!(schedule.wait(START), minutes(after));
            assert!(schedule.is_due(START + minutes(after)));
            assert_eq!(schedule.is_due(START), after == 0);
        };
        check(0.0, 0);
        check(0.4, 6);
        check(1.0, 15);
    }

    #[test]
    fn then_it_is_looked_daily() {
        let mut schedule = Schedule::start(START, 0.0);
        schedule.looked(START, 0.4);
        let day = minutes(24 * 60 + 6);
        assert_eq!(schedule.wait(START), NAP, "the machine may sleep meanwhile");
        assert_eq!(schedule.wait(START + day - minutes(1)), minutes(1));
        assert!(!schedule.is_due(START + day - minutes(1)));
        assert!(schedule.is_due(START + day) && schedule.wait(START + day).is_zero());
        assert!(schedule.is_due(START + day * 30), "it was asleep for a month");
    }

    #[test]
    fn a_clock_that_was_put_back_stops_nothing() {
        let mut schedule = Schedule::start(START + minutes(1_000_000), 0.0);
        schedule.looked(START + minutes(1_000_000), 0.0);
        assert!(schedule.is_due(START));
        assert_eq!(schedule.wait(START), Duration::ZERO);
    }

    #[test]
    fn steps() {
        use UpdateMode::{Ask, Auto, Off};
        let nothing =
            Situation { mode: Ask, is_staged: false, is_asked: false, is_due: false, is_idle: true };
        let check = |now: Situation, wanted| assert_eq!(step(now), wanted, "{now:?}");
        for mode in [Ask, Auto, Off] {
            check(Situation { mode, ..nothing }, Step::Wait);
            check(Situation { mode, is_asked: true, ..nothing }, Step::Look);
            let due = if mode == Off { Step::Wait } else { Step::Look };
            check(Situation { mode, is_due: true, ..nothing }, due);
            check(Situation { mode, is_staged: true, is_idle: false, is_due: true, ..nothing }, Step::Wait);
        }
        let staged = Situation { is_staged: true, ..nothing };
        check(Situation { mode: Auto, ..staged }, Step::Restart);
        check(Situation { mode: Ask, is_asked: true, ..staged }, Step::Wait);
        check(Situation { mode: Off, ..staged }, Step::Wait);
    }
}
