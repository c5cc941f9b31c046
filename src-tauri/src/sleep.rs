//! Sleep of the computer. Before sleep, the worker accepts no new requests, tells the server, and finishes current requests as far as time allows; after
//! it, the worker reconnects immediately. If the user wants it, the computer is kept awake while requests are running.
//!
//! `linux` does both; on other systems (`elsewhere`) the app only keeps the computer awake, and the worker detects sleep by its clocks. `quiesce` prepares
//! the worker for sleep.

#[cfg(target_os = "linux")]
mod quiesce;
#[cfg(not(target_os = "linux"))]
#[path = "sleep/elsewhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "sleep/linux.rs"]
mod system;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::app_settings::AppSettings;
use crate::supervisor::{Facts, Supervisor, SupervisorState};

/// The reason that the system shows for keeping the computer awake.
const WHY_AWAKE: &str = "Answering requests";

/// The name that the system shows with it.
const WHO: &str = "llamapool";

/// How long the computer is kept awake after the last request: in a conversation, the next one mostly arrives within this time.
const LINGER: Duration = Duration::from_secs(30);

/// Prepares for sleep and resumes when the system says so.
pub async fn run(supervisor: Supervisor) {
    if let Err(error) = system::run(&supervisor).await {
        tracing::debug!("The system does not announce sleep: {error}");
    }
}

/// Keeps the computer awake while requests are running, if the user wants it. Ends with the supervisor.
pub async fn stay_awake(settings: watch::Receiver<AppSettings>, facts: watch::Receiver<Facts>) {
    let _ = hold(Watch { settings, facts }, system::stay_awake).await;
}

/// The inputs that decide whether to keep the computer awake.
struct Watch {
    settings: watch::Receiver<AppSettings>,
    facts: watch::Receiver<Facts>,
}

/// Whether to keep the computer awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The user does not want it.
    Unwanted,
    /// No request is running.
    Idle,
    /// Requests are running.
    Busy,
}

impl Watch {
    fn need(&mut self) -> Need {
        let is_wanted = self.settings.borrow_and_update().hold_sleep;
        let facts = self.facts.borrow_and_update();
        let is_busy = facts.state == SupervisorState::Running
            && facts.worker.as_ref().is_some_and(|worker| worker.running > 0);
        match (is_wanted, is_busy) {
            (false, _) => Need::Unwanted,
            (true, false) => Need::Idle,
            (true, true) => Need::Busy,
        }
    }

    /// Waits for one of these. `None` when the app ends.
    async fn until(&mut self, wanted: &[Need]) -> Option<Need> {
        loop {
            let need = self.need();
            if wanted.contains(&need) {
                return Some(need);
            }
            let changed = tokio::select! {
                changed = self.settings.changed() => changed,
                changed = self.facts.changed() => changed,
            };
            changed.ok()?;
        }
    }
}

/// Keeps the computer awake, by what `take` returns, for as long as needed and [`LINGER`] longer. `None` when the app ends.
async fn hold<H>(mut watch: Watch, take: impl AsyncFn() -> Option<H>) -> Option<()> {
    loop {
        watch.until(&[Need::Busy]).await?;
        let held = take().await;
        while watch.until(&[Need::Idle, Need::Unwanted]).await? == Need::Idle {
            let Ok(need) = timeout(LINGER, watch.until(&[Need::Busy, Need::Unwanted])).await else { break };
            need?;
        }
        drop(held);
    }
}

#[cfg(test)]
mod tests;
