//! The single writer of all counts: each request is entered when it is opened and settled when it ends. Everything else only reads.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::counters::Counters;
use super::history::History;
use super::in_flight::InFlight;
use super::ledger_view::{LedgerView, Since};
use super::record::{EndedRequest, OutcomeKind};
use super::totals::Totals;
use super::worker_totals::WorkerTotals;
use crate::changes::Changes;
use crate::pool::UpstreamSnapshot;

/// Number of ended requests kept for display.
const RECENT: usize = 200;

/// Number of workers whose totals are kept, including those that left. Beyond that, the worker with the oldest last request is forgotten.
const MAX_WORKERS: usize = 1_000;

/// The ledger, behind one short lock.
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
    workers: HashMap<Arc<str>, WorkerEntry>,
    history: History,
    counters: Counters,
}

#[derive(Default)]
struct WorkerEntry {
    /// Shared with views; copied when it changes while a view still holds it.
    totals: Arc<WorkerTotals>,
    /// The number of the newest request at the last write.
    touched: u64,
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
        if ended.outcome() == OutcomeKind::Blocked {
            return; // strangers must not push out requests, nor fill charts
        }
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

    /// Another worker takes over a request of this one before its first byte. `model` is the worker's name for the model, and `failure` says what
    /// went wrong, unless the worker is not to blame.
    pub fn failed_over(&self, worker_id: &str, model: &str, failure: Option<&str>) {
        let mut books = self.books();
        books.totals.failovers += 1;
        books.counters.failed_over(worker_id, failure.is_some());
        if let Some(why) = failure {
            books.worker(worker_id).failed_over(model, why);
        }
        drop(books);
        self.changes.notify_changed();
    }

    /// Records how many requests wait for a slot.
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

    /// Everything that is shown, read under one lock, so that each request in it is either open or ended.
    pub(crate) fn view(&self, since: Since) -> LedgerView {
        let books = self.books();
        LedgerView {
            totals: books.totals,
            in_flight: books.in_flight.values().cloned().collect(),
            recent: books
                .recent
                .iter()
                .take_while(|ended| Some(ended.number) != since.ended)
                .cloned()
                .collect(),
            history: books.history.since(since.history, SystemTime::now()),
            workers: books.workers.iter().map(|(id, entry)| (id.clone(), entry.totals.clone())).collect(),
        }
    }

    /// The Prometheus counters; `upstreams` are those that are connected or left recently.
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
            self.workers.insert(id.into(), WorkerEntry::default());
        }
        let entry = self.workers.get_mut(id).expect("it was there or has just been inserted");
        entry.touched = self.next_number;
        Arc::make_mut(&mut entry.totals)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::super::ticket::Ticket;
    use super::*;

    /// In every view, each request is either open or ended, while requests come and go on another thread.
    #[test]
    fn a_view_agrees_with_itself() {
        const REQUESTS: u64 = 5_000;
        let ledger = Arc::new(Ledger::new(Changes::default(), &[]));
        let requests = std::thread::spawn({
            let ledger = ledger.clone();
            move || (0..REQUESTS).for_each(|_| drop(Ticket::open(&HeaderMap::new(), ledger.clone())))
        });
        let mut seen = 0;
        while seen < REQUESTS {
            let view = ledger.view(Since::default());
            let (ended, newest) = (view.totals.left, view.recent.first().map_or(0, |ended| ended.number));
            assert_eq!(ended, newest, "the totals count the newest request");
            assert!(view.in_flight.iter().all(|open| open.number > newest), "no request is open and ended");
            assert!(ended + view.in_flight.len() as u64 >= seen, "no request is missing");
            seen = ended + view.in_flight.len() as u64;
        }
        requests.join().unwrap();
    }
}
