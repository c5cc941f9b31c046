//! Whether a new version works as well as the previous one. An unreachable server or runtime only counts against it if the previous version reached them.

use crate::supervisor::{ConnectionState, Facts, RuntimeState, SupervisorState, WorkerSnapshot};

/// Whether the worker is connected and its runtime answers.
pub fn is_ready(facts: &Facts) -> bool {
    let worker = facts.worker.as_ref();
    facts.state == SupervisorState::Running
        && worker.is_some_and(|worker| {
            worker.connection == ConnectionState::Up && matches!(worker.runtime, RuntimeState::Ready)
        })
}

/// Whether there is nothing left to wait for: the worker is ready, or none is to run.
pub fn is_settled(facts: &Facts) -> bool {
    let has_no_worker = matches!(
        facts.state,
        SupervisorState::Unconfigured
            | SupervisorState::Stopped
            | SupervisorState::Ended
            | SupervisorState::Foreign(_)
    );
    has_no_worker || is_ready(facts)
}

/// Decides at the end of the time limit. If the worker was ready before the update it has to be ready again, otherwise it only has to run.
pub fn is_healthy(facts: &Facts, was_ready: bool) -> bool {
    let runs = facts.state == SupervisorState::Running && matches!(facts.worker, Some(WorkerSnapshot { .. }));
    is_settled(facts) || (!was_ready && runs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::worker_state::tests::{facts, worker};

    fn check(facts: &Facts, settled: bool, was_ready: bool, was_not_ready: bool) {
        let found = (is_settled(facts), is_healthy(facts, true), is_healthy(facts, false));
        assert_eq!(found, (settled, was_ready, was_not_ready), "{facts:?}");
    }

    #[test]
    fn a_worker_that_is_ready_is_settled() {
        check(&facts(worker()), true, true, true);
        check(&facts(WorkerSnapshot { draining: true, running: 3, ..worker() }), true, true, true);
    }

    #[test]
    fn without_a_worker_there_is_nothing_to_check() {
        for state in [SupervisorState::Unconfigured, SupervisorState::Stopped, SupervisorState::Ended] {
            check(&Facts { state, worker: None, ..facts(worker()) }, true, true, true);
        }
    }

    #[test]
    fn an_unreachable_server_may_have_been_so_before() {
        let later = Instant::now() + Duration::from_secs(9);
        for connection in
            [ConnectionState::Connecting, ConnectionState::Waiting { until: later, refused: false }]
        {
            check(&facts(WorkerSnapshot { connection, ..worker() }), false, false, true);
        }
        check(&facts(WorkerSnapshot { runtime: RuntimeState::Unknown, ..worker() }), false, false, true);
    }

    #[test]
    fn a_failing_worker_is_unhealthy() {
        let later = Instant::now() + Duration::from_secs(9);
        for state in [
            SupervisorState::Starting,
            SupervisorState::Failed(later),
            SupervisorState::GaveUp,
            SupervisorState::Misconfigured,
        ] {
            check(&Facts { state, ..facts(worker()) }, false, false, false);
        }
        check(&Facts { worker: None, ..facts(worker()) }, false, false, false);
    }
}
