//! When to serve: rules of the app's owner about the battery, the hours of the day and programs that run. Where one says no, the worker is held as by a
//! pause.
//!
//! `rules` is what can be wanted, `hours` one part of it; `verdict` says what follows from what is seen; `power` and `programs` see. Nothing is
//! looked at that no rule asks for: without any, nobody wakes up.

mod hours;
mod power;
mod programs;
mod rules;
mod verdict;

use std::time::Duration;

use chrono::{Local, NaiveDateTime};
use tokio::sync::watch;

use crate::own::Own;
use crate::supervisor::{Order, Supervisor};

pub use self::hours::Day;
pub use self::rules::Rules;
pub use self::verdict::Reason;

use self::verdict::{Power, Seen, verdict};

/// A system that takes longer to tell about its battery is served without knowing.
const PATIENCE: Duration = Duration::from_secs(3);

/// The clock is looked at this often at least while hours are set: unlike a timer, it goes on while the machine sleeps, and somebody may set it.
const CLOCK_LOOK: Duration = Duration::from_secs(30);

/// Tells the supervisor what the rules say, until the app ends.
pub async fn follow(mut own: watch::Receiver<Own>, supervisor: Supervisor) {
    let mut is_low = false;
    loop {
        let rules = own.borrow_and_update().serve.clone();
        tokio::select! {
            () = keep_to(&rules, &supervisor, &mut is_low) => {}
            changed = own.wait_for(|own| own.serve != rules) => if changed.is_err() {
                return;
            },
        }
        // What was low by other limits says nothing.
        is_low &= own.borrow().serve.battery() == rules.battery();
    }
}

/// Looks as long as these are the rules.
async fn keep_to(rules: &Rules, supervisor: &Supervisor, is_low: &mut bool) {
    let (power, powers) = watch::channel(None);
    let (running, runs) = watch::channel(None);
    let looking = async {
        if rules.needs_power() {
            power::follow(&power, rules.pause_in_battery_saver).await;
        }
    };
    tokio::join!(
        looking,
        programs::follow(&running, &rules.pause_while),
        judge(rules, powers, runs, supervisor, is_low),
    );
}

async fn judge(
    rules: &Rules,
    mut powers: watch::Receiver<Option<Power>>,
    mut runs: watch::Receiver<Option<Vec<String>>>,
    supervisor: &Supervisor,
    is_low: &mut bool,
) {
    // So that a change of the rules does not let requests in that are about to be kept out again.
    if rules.needs_power() {
        let _ = tokio::time::timeout(PATIENCE, powers.wait_for(Option::is_some)).await;
    }
    if !rules.pause_while.is_empty() {
        let _ = runs.wait_for(Option::is_some).await;
    }
    let mut told = None;
    loop {
        let now = Local::now().naive_local();
        let power = powers.borrow_and_update().unwrap_or_default();
        let programs = runs.borrow_and_update().clone().unwrap_or_default();
        let verdict = verdict(rules, &Seen { power, now, programs }, *is_low);
        *is_low = verdict.is_low;
        if told.as_ref() != Some(&verdict.reasons) {
            supervisor.order(Order::Rules(verdict.reasons.clone())).await;
            told = Some(verdict.reasons);
        }
        tokio::select! {
            Ok(()) = powers.changed() => {}
            Ok(()) = runs.changed() => {}
            () = until_the_clock_matters(rules, now) => {}
        }
    }
}

async fn until_the_clock_matters(rules: &Rules, now: NaiveDateTime) {
    match &rules.hours {
        hours if rules.only_in_hours => {
            let left = (hours.next_change(now) - now).to_std().unwrap_or_default();
            tokio::time::sleep(left.min(CLOCK_LOOK)).await;
        }
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
