//! When a machine is kept awake.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::phase::tests::{facts, seen};
use crate::supervisor::Seen;

fn running(running: u32) -> Facts {
    facts(Seen { running, ..seen() })
}

/// A system that counts what holds it.
struct Rig {
    own: watch::Sender<Own>,
    facts: watch::Sender<Facts>,
    held: Arc<AtomicU32>,
    /// Ever.
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
        let own = watch::Sender::new(Own { hold_sleep, ..Own::default() });
        let facts = watch::Sender::new(running(0));
        let (held, taken) = <(Arc<AtomicU32>, Arc<AtomicU32>)>::default();
        let watch = Watch { own: own.subscribe(), facts: facts.subscribe() };
        let take = {
            let (held, taken) = (held.clone(), taken.clone());
            async move || {
                taken.fetch_add(1, Ordering::Relaxed);
                held.fetch_add(1, Ordering::Relaxed);
                Some(Lock(held.clone()))
            }
        };
        let task = tokio::spawn(async move { hold(watch, take).await });
        Self { own, facts, held, taken, task }
    }

    /// Whether the machine is held after so many seconds more.
    async fn is_held_after(&self, seconds: u64) -> bool {
        // A moment more, so that what is due then has happened.
        tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
        self.held.load(Ordering::Relaxed) > 0
    }

    fn run(&self, requests: u32) {
        self.facts.send_replace(running(requests));
    }

    fn want(&self, hold_sleep: bool) {
        self.own.send_modify(|own| own.hold_sleep = hold_sleep);
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_held_while_requests_run_and_a_while_longer() {
    let rig = Rig::start(true);
    assert!(!rig.is_held_after(100).await, "nothing runs");
    rig.run(1);
    assert!(rig.is_held_after(100).await);
    rig.run(0);
    assert!(rig.is_held_after(29).await, "the next one may come");
    rig.run(2);
    assert!(rig.is_held_after(100).await);
    rig.run(0);
    assert!(rig.is_held_after(29).await);
    assert!(!rig.is_held_after(1).await);
    assert_eq!(rig.taken.load(Ordering::Relaxed), 1, "a conversation does not flap");
    rig.run(1);
    assert!(rig.is_held_after(0).await);
    assert_eq!(rig.taken.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_held_only_if_its_owner_wants_that() {
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
    assert!(!rig.is_held_after(0).await, "nobody lingers who is not wanted");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_has_ended_holds_nothing() {
    let rig = Rig::start(true);
    rig.run(1);
    assert!(rig.is_held_after(0).await);
    rig.facts.send_modify(|facts| facts.stage = Stage::Stopped);
    assert!(!rig.is_held_after(31).await);
    drop((rig.own, rig.facts));
    assert_eq!(rig.task.await.unwrap(), None);
}
