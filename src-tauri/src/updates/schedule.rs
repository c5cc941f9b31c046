//! When to check for updates, and what to do next: pure functions of time and situation.

use std::time::{Duration, SystemTime};

use crate::ipc::UpdateMode;

/// The largest random delay of a check, so that the computers of an office do not all check at once.
const JITTER: Duration = Duration::from_secs(15 * 60);

/// The time between two checks.
const INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest sleep. Timers stop while the computer is suspended.
const MAX_SLEEP: Duration = Duration::from_secs(60 * 60);

/// The wait after the user has cancelled a restart.
pub const CANCELLED_WAIT: Duration = MAX_SLEEP;

/// When the next check is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    next: SystemTime,
}

impl Schedule {
    /// The schedule of an app that starts now. `jitter` is between 0 and 1, as everywhere here.
    pub fn start(now: SystemTime, jitter: f64) -> Self {
        Self { next: now + JITTER.mul_f64(jitter) }
    }

    /// A check was made now.
    pub fn checked(&mut self, now: SystemTime, jitter: f64) {
        self.next = now + INTERVAL + JITTER.mul_f64(jitter);
    }

    /// Whether a check is due. It also is if the clock was set back so far that the next one would be much too late.
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.next.duration_since(now).map_or(true, |left| left.is_zero() || left > INTERVAL + JITTER)
    }

    /// How long to sleep.
    pub fn wait(&self, now: SystemTime) -> Duration {
        match self.next.duration_since(now) {
            Ok(left) if !self.is_due(now) => left.min(MAX_SLEEP),
            _ => Duration::ZERO,
        }
    }
}

/// What a step depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// The user's choice.
    pub mode: UpdateMode,
    /// An update has been downloaded.
    pub is_staged: bool,
    /// The user has requested a check.
    pub is_requested: bool,
    /// A check is due.
    pub is_due: bool,
    /// No request is running.
    pub is_idle: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Check for an update and download it.
    Check,
    /// Install the downloaded update.
    Restart,
    /// Nothing.
    Wait,
}

/// Decides what to do.
pub fn step(now: Situation) -> Step {
    match now {
        Situation { is_staged: true, mode: UpdateMode::Auto, is_idle: true, .. } => Step::Restart,
        Situation { is_staged: true, .. } => Step::Wait,
        Situation { is_requested: true, .. } => Step::Check,
        Situation { is_due: true, mode: UpdateMode::Auto | UpdateMode::Ask, .. } => Step::Check,
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
    fn the_first_check_is_soon_but_spread_out() {
        let check = |jitter: f64, after: u64| {
            let schedule = Schedule::start(START, jitter);
            assert_eq!(schedule.wait(START), minutes(after));
            assert!(schedule.is_due(START + minutes(after)));
            assert_eq!(schedule.is_due(START), after == 0);
        };
        check(0.0, 0);
        check(0.4, 6);
        check(1.0, 15);
    }

    #[test]
    fn later_checks_are_daily() {
        let mut schedule = Schedule::start(START, 0.0);
        schedule.checked(START, 0.4);
        let day = minutes(24 * 60 + 6);
        assert_eq!(schedule.wait(START), MAX_SLEEP, "the computer may be suspended meanwhile");
        assert_eq!(schedule.wait(START + day - minutes(1)), minutes(1));
        assert!(!schedule.is_due(START + day - minutes(1)));
        assert!(schedule.is_due(START + day) && schedule.wait(START + day).is_zero());
        assert!(schedule.is_due(START + day * 30), "suspended for a month");
    }

    #[test]
    fn a_clock_set_back_does_not_stop_checks() {
        let mut schedule = Schedule::start(START + minutes(1_000_000), 0.0);
        schedule.checked(START + minutes(1_000_000), 0.0);
        assert!(schedule.is_due(START));
        assert_eq!(schedule.wait(START), Duration::ZERO);
    }

    #[test]
    fn steps() {
        use UpdateMode::{Ask, Auto, Off};
        let nothing =
            Situation { mode: Ask, is_staged: false, is_requested: false, is_due: false, is_idle: true };
        let check = |now: Situation, wanted| assert_eq!(step(now), wanted, "{now:?}");
        for mode in [Ask, Auto, Off] {
            check(Situation { mode, ..nothing }, Step::Wait);
            check(Situation { mode, is_requested: true, ..nothing }, Step::Check);
            let due = if mode == Off { Step::Wait } else { Step::Check };
            check(Situation { mode, is_due: true, ..nothing }, due);
            check(Situation { mode, is_staged: true, is_idle: false, is_due: true, ..nothing }, Step::Wait);
        }
        let staged = Situation { is_staged: true, ..nothing };
        check(Situation { mode: Auto, ..staged }, Step::Restart);
        check(Situation { mode: Ask, is_requested: true, ..staged }, Step::Wait);
        check(Situation { mode: Off, ..staged }, Step::Wait);
    }
}
