//! How a worker is brought to rest before the machine sleeps, and to work after that.

use std::time::Duration;

use tokio::time::timeout;

use crate::supervisor::{Facts, Link, Order, Seen, Stage, Supervisor};

/// The system waits 5 s for all programs together, unless its owner has set it otherwise; this leaves some of that.
const PATIENCE: Duration = Duration::from_secs(4);

/// The worker's last report has been handed to the connection, and is on its way within this time.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

/// Brings the worker to rest. Gives up when there is no more time.
pub(super) async fn settle(supervisor: &Supervisor) {
    tracing::info!("The machine is about to sleep");
    let mut facts = supervisor.facts();
    supervisor.order(Order::Sleep).await;
    let settled = async {
        let was_told = match facts.wait_for(is_settled).await {
            Ok(facts) => facts.seen.as_ref().is_some_and(|seen| seen.link == Link::Up),
            Err(_) => false, // the supervisor has ended
        };
        if was_told {
            tokio::time::sleep(ON_ITS_WAY).await;
        }
    };
    if timeout(PATIENCE, settled).await.is_err() {
        tracing::warn!("The machine sleeps before all requests have ended");
    }
}

/// Lets the worker work.
pub(super) async fn wake(supervisor: &Supervisor) {
    if supervisor.facts().borrow().sleeping {
        tracing::info!("The machine is awake: connecting at once");
    }
    supervisor.order(Order::Wake).await;
}

/// Whether nothing is left to be done before the machine sleeps.
fn is_settled(facts: &Facts) -> bool {
    let is_at_rest = |seen: &Seen| seen.link != Link::Up || (seen.draining && seen.running == 0);
    facts.sleeping && (facts.stage != Stage::Running || facts.seen.as_ref().is_none_or(is_at_rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::tests::{facts, seen, without_worker};

    #[test]
    fn a_machine_may_sleep_when_the_server_knows_and_nothing_runs() {
        let check = |seen: Seen, wanted: bool| {
            let facts = Facts { sleeping: true, ..facts(seen) };
            assert_eq!(is_settled(&facts), wanted, "{facts:?}");
            assert!(!is_settled(&Facts { sleeping: false, ..facts }), "the keeper has not heard of it");
        };
        check(seen(), false);
        check(Seen { draining: true, running: 1, ..seen() }, false);
        check(Seen { draining: true, ..seen() }, true);
        check(Seen { link: Link::Connecting, ..seen() }, true);
        assert!(is_settled(&Facts { sleeping: true, ..without_worker(Stage::Stopped) }));
    }
}
