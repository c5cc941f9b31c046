//! The one writer of what is counted: every request is entered when it is opened and settled when it ends. Everything else only reads.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use llamapool_worker_core::usage::Usage;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::counters::Counters;
use super::history::{Bin, History};
use super::in_flight::InFlight;
use super::record::{EndedRequest, OutcomeKind};
use super::worker_totals::WorkerTotals;
use crate::changes::Changes;
use crate::pool::UpstreamSnapshot;

/// Ended requests that are kept to be shown.
const RECENT: usize = 200;

/// Workers whose totals are kept, those that left included. Beyond that, the one whose last request is the oldest is forgotten.
const MAX_WORKERS: usize = 1_000;

/// All books, behind one short lock.
pub struct Ledger {
    books: Mutex<Books>,
    open: TaskTracker,
    changes: Changes,
}

struct Books {
    next_number: u64,
    in_flight: BTreeMap<u64, Arc<InFlight>>,
    recent: VecDeque<Arc<EndedRequest>>,
    totals: Totals,
    workers: HashMap<String, WorkerEntry>,
    history: History,
    counters: Counters,
}

#[derive(Default)]
struct WorkerEntry {
    totals: WorkerTotals,
    /// The number of the newest request when this was last written.
    touched: u64,
}

/// Counts since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Requests answered to the last byte.
    pub done: u64,
    /// Requests that a worker or runtime failed.
    pub failed: u64,
    /// Requests that this server refused.
    pub refused: u64,
    /// Requests whose client left, or that were cancelled.
    pub left: u64,
    /// Times another worker took over before the first byte.
    pub failovers: u64,
    /// Tokens that replies report.
    pub usage: Usage,
}

impl Ledger {
    /// An empty ledger that notifies `changes`. Rejected requests are counted under `reject_codes` from the start.
    pub fn new(changes: Changes, reject_codes: &[&'static str]) -> Self {
        let books = Books {
            next_number: 0,
            in_flight: BTreeMap::new(),
            recent: VecDeque::new(),
            totals: Totals::default(),
            workers: HashMap::new(),
            history: History::default(),
            counters: Counters::new(reject_codes),
        };
        Self { books: Mutex::new(books), open: TaskTracker::new(), changes }
    }

    /// Enters a request. It is open until the token is dropped.
    pub(super) fn open(&self, id: &str) -> (Arc<InFlight>, TaskTrackerToken) {
        let mut books = self.books();
        books.next_number += 1;
        let request = Arc::new(InFlight::new(books.next_number, id));
        books.in_flight.insert(request.number, request.clone());
        let in_flight = books.in_flight.len();
        books.history.level(SystemTime::now(), in_flight, 0);
        drop(books);
        self.changes.notify_changed();
        (request, self.open.token())
    }

    /// Settles a request.
    pub(super) fn settle(&self, ended: EndedRequest) {
        let ended = Arc::new(ended);
        let mut books = self.books();
        books.in_flight.remove(&ended.number);
        books.totals.settle(&ended);
        books.counters.settle(&ended);
        books.history.settle(&ended);
        if let Some(worker) = &ended.record.worker {
            books.worker(&worker.id).settle(&ended);
        }
        if books.recent.len() == RECENT {
            books.recent.pop_back();
        }
        books.recent.push_front(ended);
        drop(books);
        self.changes.notify_changed();
    }

    /// A worker failed a request before its first byte, and another one takes over. `model` is the worker's name for the model.
    pub fn failed_over(&self, worker_id: &str, model: &str, why: &str) {
        let mut books = self.books();
        books.totals.failovers += 1;
        books.counters.failed_over(worker_id);
        books.worker(worker_id).failed_over(model, why);
        drop(books);
        self.changes.notify_changed();
    }

    /// This many requests wait for a slot now.
    pub fn queued(&self, waiting: usize) {
        let mut books = self.books();
        let in_flight = books.in_flight.len();
        books.history.level(SystemTime::now(), in_flight, waiting);
        drop(books);
        self.changes.notify_changed();
    }

    /// Cancels an open request. Returns false if there is none with this number.
    pub fn cancel(&self, number: u64) -> bool {
        let request = self.books().in_flight.get(&number).cloned();
        request.inspect(|request| request.cancel()).is_some()
    }

    /// How many requests are open.
    pub fn open_requests(&self) -> usize {
        self.open.len()
    }

    /// Waits until no request is open.
    pub async fn idle(&self) {
        self.open.close();
        self.open.wait().await;
    }

    pub(crate) fn totals(&self) -> Totals {
        self.books().totals
    }

    /// Requests that are open, oldest first.
    pub(crate) fn in_flight(&self) -> Vec<Arc<InFlight>> {
        self.books().in_flight.values().cloned().collect()
    }

    /// Requests that ended after the one with the number `last`, newest first.
    pub(crate) fn recent(&self, last: Option<u64>) -> Vec<Arc<EndedRequest>> {
        self.books().recent.iter().take_while(|ended| Some(ended.number) != last).cloned().collect()
    }

    /// The chart's bins from `since` (Unix seconds) on, oldest first.
    pub(crate) fn history(&self, since: u64) -> Vec<Bin> {
        self.books().history.since(since)
    }

    pub(crate) fn worker(&self, id: &str) -> WorkerTotals {
        self.books().workers.get(id).map(|entry| entry.totals.clone()).unwrap_or_default()
    }

    /// What is counted for Prometheus; `upstreams` are those that are here or left a short time ago.
    pub(crate) fn counters<'a>(
        &self,
        upstreams: impl Iterator<Item = &'a UpstreamSnapshot> + Clone,
    ) -> Counters {
        let mut books = self.books();
        books.counters.track(upstreams);
        books.counters.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn worker(&mut self, id: &str) -> &mut WorkerTotals {
        if self.workers.len() >= MAX_WORKERS && !self.workers.contains_key(id) {
            let oldest = self.workers.iter().min_by_key(|(_, entry)| entry.touched).map(|(id, _)| id.clone());
            oldest.map(|id| self.workers.remove(&id));
        }
        if !self.workers.contains_key(id) {
            self.workers.insert(id.to_owned(), WorkerEntry::default());
        }
        let entry = self.workers.get_mut(id).expect("it was there or has just been inserted");
        entry.touched = self.next_number;
        &mut entry.totals
    }
}

impl Totals {
    fn settle(&mut self, ended: &EndedRequest) {
        match ended.outcome() {
            OutcomeKind::Done => self.done += 1,
            OutcomeKind::Failed => self.failed += 1,
            OutcomeKind::Refused => self.refused += 1,
            OutcomeKind::Left | OutcomeKind::Cancelled => self.left += 1,
        }
        self.usage += ended.usage.unwrap_or_default();
    }
}
