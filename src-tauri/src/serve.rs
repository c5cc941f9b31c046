//! When to share: the user's rules about battery, hours of the day and running programs. While one applies, the worker is held as by a pause.
//!
//! `rules` is what can be chosen, `hours` a part of it; `decision` derives what applies from the current conditions, which `power` and `programs` watch.
//! Only what a rule needs is watched: without rules, nothing runs.

mod decision;
mod hours;
mod power;
mod programs;
mod rules;

use std::convert::Infallible;
use std::time::Duration;

use chrono::{Local, NaiveDateTime};
use tokio::sync::watch;

pub use self::decision::Reason;
#[cfg(test)]
pub use self::hours::{ALL_DAYS, Hours};
pub use self::rules::Rules;

use self::decision::{Conditions, Power, decide};
use crate::ipc::OnBattery;

/// The time to wait for the first reading of the battery. After that it is ignored until there is one.
const FIRST_READING_TIMEOUT: Duration = Duration::from_secs(3);

/// How often the clock is checked at least while hours are set: timers stop during sleep, and the clock may be changed.
const MAX_CLOCK_INTERVAL: Duration = Duration::from_secs(30);

/// Evaluates rules. Remembers between sets of rules whether the battery was low.
#[derive(Debug, Default)]
pub struct Evaluation {
    is_low: bool,
    /// The limits by which it was low.
    limits: Option<(OnBattery, u8, u8)>,
}

impl Evaluation {
    /// Evaluates these rules as long as it is polled. `report` gets the reasons not to share, at first and after each change.
    pub async fn run<F>(&mut self, rules: &Rules, report: impl Fn(Vec<Reason>) -> F) -> Infallible
    where
        F: Future<Output = ()>,
    {
        // A battery that was low by other limits need not be low by these.
        self.is_low &= self.limits.replace(rules.battery()) == Some(rules.battery());
        let (power_sender, power) = watch::channel(None);
        let (programs_sender, programs) = watch::channel(None);
        let watch_power = async {
            if rules.needs_power() {
                power::run(&power_sender, rules.pause_in_battery_saver).await;
            }
        };
        let watch_programs = programs::run(&programs_sender, &rules.pause_while);
        let (never, (), ()) =
            tokio::join!(self.decide_on_changes(rules, power, programs, report), watch_power, watch_programs);
        never
    }

    async fn decide_on_changes<F: Future<Output = ()>>(
        &mut self,
        rules: &Rules,
        mut power: watch::Receiver<Option<Power>>,
        mut programs: watch::Receiver<Option<Vec<String>>>,
        report: impl Fn(Vec<Reason>) -> F,
    ) -> Infallible {
        // A change of the rules must not let requests in only because the conditions are not known yet.
        if rules.needs_power() {
            let _ = tokio::time::timeout(FIRST_READING_TIMEOUT, power.wait_for(Option::is_some)).await;
        }
        if !rules.pause_while.is_empty() {
            let _ = programs.wait_for(Option::is_some).await;
        }
        let mut reported = None;
        loop {
            let now = Local::now().naive_local();
            let conditions = Conditions {
                power: power.borrow_and_update().unwrap_or_default(),
                now,
                programs: programs.borrow_and_update().clone().unwrap_or_default(),
            };
            let decision = decide(rules, &conditions, self.is_low);
            self.is_low = decision.is_low;
            if reported.as_ref() != Some(&decision.reasons) {
                report(decision.reasons.clone()).await;
                reported = Some(decision.reasons);
            }
            tokio::select! {
                Ok(()) = power.changed() => {}
                Ok(()) = programs.changed() => {}
                () = next_clock_check(rules, now) => {}
            }
        }
    }
}

async fn next_clock_check(rules: &Rules, now: NaiveDateTime) {
    if !rules.only_in_hours {
        return std::future::pending().await;
    }
    let left = (rules.hours.next_change(now) - now).to_std().unwrap_or_default();
    tokio::time::sleep(left.min(MAX_CLOCK_INTERVAL)).await;
}
