//! When the computer is kept awake.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::supervisor::WorkerSnapshot;
use crate::worker_state::tests::{facts, worker};

fn running(running: u32) -> Facts {
    facts(WorkerSnapshot { running, ..worker() })
}

/// A system that counts the locks.
struct Rig {
    settings: watch::Sender<AppSettings>,
    facts: watch::Sender<Facts>,
    held: Arc<AtomicU32>,
    /// In total.
    taken: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<Option<()>>,
}

struct Lock(Arc<AtomicU32>);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rig {
    fn start(hold_sleep: bool) -> Self {
        let settings = watch::Sender::new(AppSettings { hold_sleep, ..AppSettings::default() });
        let facts = watch::Sender::new(running(0));
        let (held, taken) = <(Arc<AtomicU32>, Arc<AtomicU32>)>::default();
        let watch = Watch { settings: settings.subscribe(), facts: facts.subscribe() };
        let take = {
            let (held, taken) = (held.clone(), taken.clone());
            async move || {
                taken.fetch_add(1, Ordering::Relaxed);
                held.fetch_add(1, Ordering::Relaxed);
                Some(Lock(held.clone()))
            }
        };
        let task = tokio::spawn(async move { hold(watch, take).await });
        Self { settings, facts, held, taken, task }
    }

    /// Whether a lock is held after so many more seconds.
    async fn is_held_after(&self, seconds: u64) -> bool {
        // A moment more, so that everything due then has happened.
        tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
        self.held.load(Ordering::Relaxed) > 0
    }

    fn run(&self, requests: u32) {
        self.facts.send_replace(running(requests));
    }

    fn want(&self, hold_sleep: bool) {
        self.settings.send_modify(|settings| settings.hold_sleep = hold_sleep);
    }
}

#[tokio::test(start_paused = true)]
async fn it_stays_awake_while_requests_run_and_a_while_longer() {
    let rig = Rig::start(true);
    assert!(!rig.is_held_after(100).await, "no request is running");
    rig.run(1);
    assert!(rig.is_held_after(100).await);
    rig.run(0);
    assert!(rig.is_held_after(29).await, "the next one may come");
    rig.run(2);
    assert!(rig.is_held_after(100).await);
    rig.run(0);
    assert!(rig.is_held_after(29).await);
    assert!(!rig.is_held_after(1).await);
    assert_eq!(rig.taken.load(Ordering::Relaxed), 1, "one lock for a conversation");
    rig.run(1);
    assert!(rig.is_held_after(0).await);
    assert_eq!(rig.taken.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn it_stays_awake_only_if_the_user_wants_it() {
    let rig = Rig::start(false);
    rig.run(1);
    assert!(!rig.is_held_after(1).await);
    rig.want(true);
    assert!(rig.is_held_after(0).await, "at once");
    rig.want(false);
    assert!(!rig.is_held_after(0).await, "at once");
    rig.want(true);
    rig.run(0);
    assert!(!rig.is_held_after(0).await);
    rig.run(1);
    assert!(rig.is_held_after(0).await);
    rig.run(0);
    rig.want(false);
    assert!(!rig.is_held_after(0).await, "no lingering when switched off");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_worker_keeps_nothing_awake() {
    let rig = Rig::start(true);
    rig.run(1);
    assert!(rig.is_held_after(0).await);
    rig.facts.send_modify(|facts| facts.state = SupervisorState::Stopped);
    assert!(!rig.is_held_after(31).await);
    drop((rig.settings, rig.facts));
    assert_eq!(rig.task.await.unwrap(), None);
}
