//! Evaluates the rules about when to share and reports the result to the supervisor.

use std::convert::Infallible;

use tokio::sync::watch;

use crate::app_settings::AppSettings;
use crate::serve::Evaluation;
use crate::supervisor::{Order, Supervisor};

/// Reports to the supervisor which rules apply, until the app ends.
pub(super) async fn run(mut settings: watch::Receiver<AppSettings>, supervisor: Supervisor) {
    let mut evaluation = Evaluation::default();
    loop {
        let rules = settings.borrow_and_update().serve.clone();
        let report = |reasons| supervisor.order(Order::Rules(reasons));
        tokio::select! {
            never = evaluation.run(&rules, report) => {
                let _: Infallible = never;
            }
            changed = settings.wait_for(|settings| settings.serve != rules) => if changed.is_err() {
                return;
            },
        }
    }
}

#[cfg(test)]
mod tests;
