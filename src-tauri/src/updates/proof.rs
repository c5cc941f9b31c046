//! Whether a newer version does as well as the one before. Servers and runtimes that are away are not its fault; if they were there before, it looks like it.

use crate::supervisor::{Facts, Link, Runtime, Seen, Stage};

/// The worker is connected, and so is its runtime.
pub fn is_ready(facts: &Facts) -> bool {
    let seen = facts.seen.as_ref();
    facts.stage == Stage::Running
        && seen.is_some_and(|seen| seen.link == Link::Up && matches!(seen.runtime, Runtime::Ready))
}

/// There is nothing left to wait for: it is as good as it gets, or somebody does not want a worker.
pub fn has_arrived(facts: &Facts) -> bool {
    let is_unwanted =
        matches!(facts.stage, Stage::Unconfigured | Stage::Stopped | Stage::Ended | Stage::Foreign(_));
    is_unwanted || is_ready(facts)
}

/// When the time is over: a worker that was ready before has to be again; else it is enough that one runs.
pub fn may_stay(facts: &Facts, was_ready: bool) -> bool {
    let runs = facts.stage == Stage::Running && matches!(facts.seen, Some(Seen { .. }));
    has_arrived(facts) || (!was_ready && runs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::phase::tests::{facts, seen};

    fn check(facts: &Facts, arrived: bool, stays_ready: bool, stays_else: bool) {
        let found = (has_arrived(facts), may_stay(facts, true), may_stay(facts, false));
        assert_eq!(found, (arrived, stays_ready, stays_else), "{facts:?}");
    }

    #[test]
    fn a_worker_that_is_ready_has_arrived() {
        check(&facts(seen()), true, true, true);
        check(&facts(Seen { draining: true, running: 3, ..seen() }), true, true, true);
    }

    #[test]
    fn who_has_no_worker_has_nothing_to_prove() {
        for stage in [Stage::Unconfigured, Stage::Stopped, Stage::Ended] {
            check(&Facts { stage, seen: None, ..facts(seen()) }, true, true, true);
        }
    }

    #[test]
    fn what_is_away_may_have_been_away_before() {
        let later = Instant::now() + Duration::from_secs(9);
        for link in [Link::Connecting, Link::Waiting { until: later, refused: false }] {
            check(&facts(Seen { link, ..seen() }), false, false, true);
        }
        check(&facts(Seen { runtime: Runtime::Unknown, ..seen() }), false, false, true);
    }

    #[test]
    fn a_worker_that_fails_is_a_bad_one() {
        let later = Instant::now() + Duration::from_secs(9);
        for stage in [Stage::Starting, Stage::Failed(later), Stage::GaveUp, Stage::Misconfigured] {
            check(&Facts { stage, ..facts(seen()) }, false, false, false);
        }
        check(&Facts { seen: None, ..facts(seen()) }, false, false, false);
    }
}
