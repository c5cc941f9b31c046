//! Prepares the worker for sleep, and resumes it after that.

use std::time::Duration;

use tokio::time::timeout;

use crate::supervisor::{ConnectionState, Facts, Order, Supervisor, SupervisorState, WorkerSnapshot};

/// By default the system waits 5 s for all programs together; this leaves a margin.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The worker's last report has been written to the connection; it is sent within this time.
const SEND_DELAY: Duration = Duration::from_millis(200);

/// Drains the worker, within the time that the system allows.
pub(super) async fn settle(supervisor: &Supervisor) {
    tracing::info!("The computer is about to sleep");
    let mut facts = supervisor.facts();
    supervisor.order(Order::Sleep).await;
    let settled = async {
        let was_connected = match facts.wait_for(is_settled).await {
            Ok(facts) => facts.worker.as_ref().is_some_and(|worker| worker.connection == ConnectionState::Up),
            Err(_) => false, // the supervisor has ended
        };
        if was_connected {
            tokio::time::sleep(SEND_DELAY).await;
        }
    };
    if timeout(TIMEOUT, settled).await.is_err() {
        tracing::warn!("The computer sleeps before all requests have finished");
    }
}

/// Resumes the worker.
pub(super) async fn wake(supervisor: &Supervisor) {
    if supervisor.facts().borrow().sleeping {
        tracing::info!("Resumed from sleep, reconnecting");
    }
    supervisor.order(Order::Wake).await;
}

/// Whether the computer may sleep.
fn is_settled(facts: &Facts) -> bool {
    let is_quiet = |worker: &WorkerSnapshot| {
        worker.connection != ConnectionState::Up || (worker.draining && worker.running == 0)
    };
    facts.sleeping && (facts.state != SupervisorState::Running || facts.worker.as_ref().is_none_or(is_quiet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker_state::tests::{facts, without_worker, worker};

    #[test]
    fn the_computer_may_sleep_when_the_worker_is_drained() {
        let check = |worker: WorkerSnapshot, wanted: bool| {
            let facts = Facts { sleeping: true, ..facts(worker) };
            assert_eq!(is_settled(&facts), wanted, "{facts:?}");
            assert!(!is_settled(&Facts { sleeping: false, ..facts }), "the order has not been handled yet");
        };
        check(worker(), false);
        check(WorkerSnapshot { draining: true, running: 1, ..worker() }, false);
        check(WorkerSnapshot { draining: true, ..worker() }, true);
        check(WorkerSnapshot { connection: ConnectionState::Connecting, ..worker() }, true);
        assert!(is_settled(&Facts { sleeping: true, ..without_worker(SupervisorState::Stopped) }));
    }
}
