//! The worker's ledger: every request that gets a slot is recorded here, and settled when it ends. Readers get an [`Activity`].
//!
//! Each chunk of a stream costs two atomic additions and a call of [`UsageScanner`](crate::usage::UsageScanner); the lock is taken only when a
//! request begins or ends, and for reading.

mod activity;
mod job;
mod load;
mod span;
mod today;
pub(crate) mod totals;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

pub use activity::{Activity, JobState, LiveJob, LoadBin};
pub(crate) use job::{Asked, Job, Outcome};
pub(crate) use span::JobSpan;

use job::{Ended, Live};
use load::Load;
use today::Today;
use totals::Totals;

/// The ledger. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Shared>);

#[derive(Default)]
struct Shared {
    books: Mutex<Books>,
    /// The number of running requests; also marked as changed when anything else changes.
    running: watch::Sender<u32>,
}

#[derive(Default)]
struct Books {
    live: BTreeMap<u64, Arc<Live>>,
    totals: Totals,
    today: Today,
    load: Load,
}

impl Ledger {
    /// The number of running requests.
    pub(crate) fn running(&self) -> u32 {
        *self.0.running.borrow()
    }

    /// The number of running requests. Marked as changed whenever [`Ledger::activity`] changes, except for ages and byte counts.
    pub(crate) fn watch(&self) -> watch::Receiver<u32> {
        self.0.running.subscribe()
    }

    /// Records a request, regardless of the limit.
    pub(crate) fn enter(&self, asked: Asked) -> Job {
        self.enter_within(u32::MAX, &mut Some(asked)).expect("so many cannot run")
    }

    /// Records a request as soon as fewer than `most` are running.
    pub(crate) async fn enter_when_free(&self, most: u32, asked: Asked) -> Job {
        let (mut running, mut asked) = (self.watch(), Some(asked));
        loop {
            if let Some(job) = self.enter_within(most, &mut asked) {
                return job;
            }
            // `self` holds the sender, so the channel is open.
            let _ = running.wait_for(|running| *running < most).await;
        }
    }

    /// Checks for a free slot and takes it under one lock.
    fn enter_within(&self, most: u32, asked: &mut Option<Asked>) -> Option<Job> {
        let mut books = self.books();
        if books.live.len() >= most as usize {
            return None;
        }
        books.totals.started += 1;
        let live = Arc::new(Live::new(books.totals.started, asked.take()?));
        books.live.insert(live.number, live.clone());
        self.publish(&mut books);
        drop(books);
        Some(Job::new(self.clone(), live))
    }

    fn settle(&self, number: u64, ended: &Ended<'_>) {
        let now = SystemTime::now();
        let (today, usage) = (today::local(now), ended.usage.unwrap_or_default());
        let mut books = self.books();
        books.live.remove(&number);
        books.totals.count(ended);
        books.today.count(today, usage);
        books.load.ended(now, usage.tokens_out);
        self.publish(&mut books);
    }

    /// Tells watchers that a running request has changed.
    fn notify_changed(&self) {
        self.0.running.send_modify(|_| {});
    }

    /// Publishes the number of running requests, under the lock, so that a woken watcher sees the same state.
    fn publish(&self, books: &mut Books) {
        let running = books.live.len() as u32;
        books.load.level(SystemTime::now(), running);
        self.0.running.send_replace(running);
    }

    /// A snapshot of current and past activity.
    pub(crate) fn activity(&self) -> Activity {
        let now = SystemTime::now();
        let date = today::local(now);
        let mut books = self.books();
        let Books { live, totals, today, load } = &mut *books;
        let today = today.at(date);
        Activity {
            live: live.values().map(|live| live.view()).collect(),
            started: totals.started,
            succeeded: totals.succeeded,
            failed: totals.failed,
            cancelled: totals.cancelled,
            longest_job_ms: totals.longest.as_millis() as u64,
            tokens: totals.usage,
            tokens_today: today.usage,
            requests_today: today.requests,
            history: load.view(now),
        }
    }

    /// Totals since the start.
    pub(crate) fn totals(&self) -> Totals {
        self.books().totals.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
