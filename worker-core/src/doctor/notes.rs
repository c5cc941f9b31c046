//! Runs checks: each within a time limit, reported as soon as it is done.

use std::time::Duration;

use tokio::time::Instant;

use super::{Check, Outcome};

/// The checks so far, and the callback for each.
pub(super) struct Notes<'a> {
    tell: &'a mut (dyn FnMut(&Check) + Send),
    pub(super) checks: Vec<Check>,
}

/// What a check found.
pub(super) struct Finding {
    outcome: Outcome,
    found: String,
    fix: Option<String>,
}

pub(super) fn ok(found: impl Into<String>) -> Finding {
    Finding { outcome: Outcome::Ok, found: found.into(), fix: None }
}

pub(super) fn warning(found: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { outcome: Outcome::Warning, found: found.into(), fix: Some(fix.into()) }
}

pub(super) fn failed(found: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { outcome: Outcome::Failed, found: found.into(), fix: Some(fix.into()) }
}

pub(super) fn skipped(why: impl Into<String>) -> Finding {
    Finding { outcome: Outcome::Skipped, found: why.into(), fix: None }
}

impl<'a> Notes<'a> {
    pub(super) fn new(tell: &'a mut (dyn FnMut(&Check) + Send)) -> Self {
        Self { tell, checks: Vec::new() }
    }

    /// Records the result of a check that has already run.
    pub(super) fn note(&mut self, id: &'static str, title: &'static str, finding: Finding) {
        self.enter(id, title, finding, Duration::ZERO);
    }

    /// Records a skipped check.
    pub(super) fn skip(&mut self, id: &'static str, title: &'static str, why: &str) {
        self.note(id, title, skipped(why));
    }

    /// Runs a check within `limit`. Returns its result for later checks.
    pub(super) async fn check<T>(
        &mut self,
        (id, title): (&'static str, &'static str),
        limit: Duration,
        work: impl Future<Output = (Finding, Option<T>)>,
    ) -> Option<T> {
        let begun = Instant::now();
        let (finding, brought) = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let found = format!("no response within {} s", limit.as_secs());
            (failed(found, "Check the network in between, including firewalls."), None)
        });
        self.enter(id, title, finding, begun.elapsed());
        brought
    }

    fn enter(&mut self, id: &'static str, title: &'static str, finding: Finding, took: Duration) {
        let Finding { outcome, found, fix } = finding;
        let check = Check { id, title, outcome, found, fix, took };
        (self.tell)(&check);
        self.checks.push(check);
    }
}
