//! Sleep of the machine. Before it sleeps the worker takes nothing new, the server is told, and what runs is finished, as far as there is time; when
//! it wakes up, the worker connects anew at once. And if its owner wants that, it does not fall asleep by itself while requests run.
//!
//! Systems differ in who says so and who is asked: `linux`, and `elsewhere`, which only asks. There a worker notices by its clocks that it has slept.
//! `rest` is how a worker is brought to rest.

#[cfg(target_os = "linux")]
mod rest;
#[cfg(not(target_os = "linux"))]
#[path = "sleep/elsewhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "sleep/linux.rs"]
mod system;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::own::Own;
use crate::supervisor::{Facts, Stage, Supervisor};

/// Why, as the system shows it to whoever asks what keeps the machine awake.
const WHY_AWAKE: &str = "Requests run";

/// Who, likewise.
const WHO: &str = "llamapool";

/// So long after the last request the machine may sleep: whoever converses sends the next one within this time, mostly.
const LINGER: Duration = Duration::from_secs(30);

/// Obeys the system's word to sleep and to wake up, as long as there is somebody who says it.
pub async fn follow(supervisor: Supervisor) {
    if let Err(error) = system::follow(&supervisor).await {
        tracing::debug!("Nobody here says when the machine sleeps: {error}");
    }
}

/// Keeps the machine from falling asleep by itself while requests run, if its owner wants that. Ends with the supervisor.
pub async fn stay_awake(own: watch::Receiver<Own>, facts: watch::Receiver<Facts>) {
    let _ = hold(Watch { own, facts }, system::stay_awake).await;
}

/// What decides whether the machine is to stay awake.
struct Watch {
    own: watch::Receiver<Own>,
    facts: watch::Receiver<Facts>,
}

/// Whether the machine is to stay awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its owner does not want that.
    Unwanted,
    /// Nothing runs.
    Idle,
    /// Requests run.
    Busy,
}

impl Watch {
    fn need(&mut self) -> Need {
        let is_wanted = self.own.borrow_and_update().hold_sleep;
        let facts = self.facts.borrow_and_update();
        let is_busy =
            facts.stage == Stage::Running && facts.seen.as_ref().is_some_and(|seen| seen.running > 0);
        match (is_wanted, is_busy) {
            (false, _) => Need::Unwanted,
            (true, false) => Need::Idle,
            (true, true) => Need::Busy,
        }
    }

    /// Waits for one of these. Gives nothing when the app ends.
    async fn until(&mut self, wanted: &[Need]) -> Option<Need> {
        loop {
            let need = self.need();
            if wanted.contains(&need) {
                return Some(need);
            }
            let told = tokio::select! {
                told = self.own.changed() => told,
                told = self.facts.changed() => told,
            };
            told.ok()?;
        }
    }
}

/// Has `take` keep the machine awake for as long as there is need, and a while longer. Gives nothing when the app ends.
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
