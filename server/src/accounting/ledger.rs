//! The one writer of what is counted: every request is entered when it is opened and settled when it ends. Everybody else reads.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::history::{History, Samples};
use super::in_flight::InFlight;
use crate::accounting::Counters;
use crate::accounting::ticket::RequestRecord;
use crate::pool::WorkerSnapshot;
use crate::state::view::{EndedAs, FinishedRequest, HistoryBin, LiveRequest, PerModel};
use llamapool_worker_core::usage::Usage;

/// Finished requests kept for everybody to see.
const RECENT: usize = 200;

/// Workers whose figures are kept, those that left included: the ones heard of longest ago go first.
const MAX_WORKERS: usize = 1_000;

/// Models counted for one worker; further ones are counted in its totals only.
const MAX_MODELS: usize = 500;

/// Requests over which a worker's time to the first byte is taken.
const FIRST_BYTES: usize = 100;

/// All books, behind one short lock.
#[derive(Default)]
pub struct Ledger {
    books: Mutex<Books>,
    /// Rung when something changes.
    changed: Notify,
}

#[derive(Default)]
struct Books {
    next_number: u64,
    live: BTreeMap<u64, Arc<InFlight>>,
    recent: VecDeque<FinishedRequest>,
    totals: Totals,
    workers: HashMap<String, WorkerBook>,
    history: History,
    tally: Counters,
}

/// Counts since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Answered to the last byte.
    pub done: u64,
    /// Broken off by worker or runtime.
    pub failed: u64,
    /// Turned away.
    pub refused: u64,
    /// Whose client left, or that were cancelled.
    pub left: u64,
    /// Workers that another one took over for.
    pub failovers: u64,
    /// Tokens told by replies.
    pub usage: Usage,
}

/// What one worker did.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerBook {
    pub(crate) processed: u64,
    pub(crate) processing: Duration,
    pub(crate) failures: u64,
    pub(crate) last_error: Option<(String, SystemTime)>,
    pub(crate) usage: Usage,
    /// Time in which tokens were generated, of requests that told them.
    pub(crate) generating: Duration,
    pub(crate) first_bytes: Samples,
    pub(crate) per_model: BTreeMap<String, PerModel>,
    touched: u64,
}

/// A request that ended.
pub struct Settled<'a> {
    /// As it is shown.
    pub request: FinishedRequest,
    /// What became known of it.
    pub facts: &'a RequestRecord,
    /// How long it was open.
    pub age: Duration,
    /// How long it was at its worker.
    pub processing: Duration,
    /// In which the reply was generated.
    pub generating: Duration,
    /// What the reply told.
    pub usage: Option<Usage>,
}

impl Ledger {
    /// Enters a request.
    pub fn open(&self, id: &str) -> Arc<InFlight> {
        let mut books = self.books();
        books.next_number += 1;
        let live = Arc::new(InFlight::new(books.next_number, id));
        books.live.insert(live.number, live.clone());
        let inflight = books.live.len();
        books.history.level(SystemTime::now(), inflight, 0);
        drop(books);
        self.changed.notify_one();
        live
    }

    /// Settles a request.
    pub fn settle(&self, settled: Settled<'_>) {
        let now = SystemTime::now();
        let mut books = self.books();
        books.live.remove(&settled.request.number);
        books.totals.count(&settled);
        books.tally.settle(&settled);
        books.history.ended(
            now,
            settled.request.outcome,
            settled.usage.map_or(0, |usage| usage.tokens_out),
            settled.facts.first_byte,
        );
        if let Some(worker) = &settled.facts.worker {
            books.worker(&worker.id).count(&settled, now);
        }
        if books.recent.len() == RECENT {
            books.recent.pop_back();
        }
        books.recent.push_front(settled.request);
        drop(books);
        self.changed.notify_one();
    }

    /// A worker failed a request before its first byte, for `model` as it has it, and another one takes over.
    pub fn failed_over(&self, worker_id: &str, model: &str, why: &str) {
        let mut books = self.books();
        books.totals.failovers += 1;
        books.tally.failed_over(worker_id);
        let worker = books.worker(worker_id);
        worker.failed(why, SystemTime::now());
        if let Some(model) = worker.model(model) {
            model.error_total += 1;
        }
    }

    /// So many requests wait now.
    pub fn queued(&self, waiting: usize) {
        let mut books = self.books();
        let inflight = books.live.len();
        books.history.level(SystemTime::now(), inflight, waiting);
    }

    /// Something outside these books has changed.
    pub fn ring(&self) {
        self.changed.notify_one();
    }

    /// Waits until something has changed since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Cancels an open request. Says whether there is such a one.
    pub fn cancel(&self, number: u64) -> bool {
        let live = self.books().live.get(&number).cloned();
        live.inspect(|live| live.cancel()).is_some()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.books().totals
    }

    pub(crate) fn live(&self) -> Vec<LiveRequest> {
        let live: Vec<_> = self.books().live.values().cloned().collect();
        live.iter().map(|live| live.view()).collect()
    }

    /// Finished requests with a number the reader has not seen, newest first.
    pub(crate) fn recent(&self, seen: impl Fn(&FinishedRequest) -> bool) -> Vec<FinishedRequest> {
        self.books().recent.iter().take_while(|request| !seen(request)).cloned().collect()
    }

    pub(crate) fn history(&self, since: u64) -> Vec<HistoryBin> {
        self.books().history.view(since)
    }

    pub(crate) fn worker(&self, id: &str) -> WorkerBook {
        self.books().workers.get(id).cloned().unwrap_or_default()
    }

    /// What is counted for Prometheus; `seen` are the workers that are there or were lately.
    pub(crate) fn tally(&self, seen: &[WorkerSnapshot]) -> Counters {
        let mut books = self.books();
        books.tally.meet(seen);
        books.tally.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn worker(&mut self, id: &str) -> &mut WorkerBook {
        if self.workers.len() >= MAX_WORKERS && !self.workers.contains_key(id) {
            let oldest = self.workers.iter().min_by_key(|(_, book)| book.touched).map(|(id, _)| id.clone());
            oldest.map(|id| self.workers.remove(&id));
        }
        if !self.workers.contains_key(id) {
            self.workers.insert(id.to_owned(), WorkerBook::default());
        }
        let book = self.workers.get_mut(id).expect("it is there or was just made");
        book.touched = self.next_number;
        book
    }
}

impl Totals {
    fn count(&mut self, settled: &Settled<'_>) {
        match settled.request.outcome {
            EndedAs::Done => self.done += 1,
            EndedAs::Failed => self.failed += 1,
            EndedAs::Refused => self.refused += 1,
            EndedAs::Left | EndedAs::Cancelled => self.left += 1,
        }
        add(&mut self.usage, settled.usage);
    }
}

impl WorkerBook {
    fn count(&mut self, settled: &Settled<'_>, now: SystemTime) {
        if let Some(wait) = settled.facts.first_byte {
            self.first_bytes.add(wait, FIRST_BYTES);
        }
        let failed = settled.request.outcome == EndedAs::Failed;
        if failed {
            self.failed(settled.request.reason.as_deref().unwrap_or_default(), now);
        } else {
            self.processed += 1;
            self.processing += settled.processing;
        }
        add(&mut self.usage, settled.usage);
        let usage = settled.usage.unwrap_or_default();
        if usage.tokens_out > 0 {
            self.generating += settled.generating;
        }
        let Some(book) = settled.facts.served_as.as_deref().and_then(|model| self.model(model)) else {
            return;
        };
        if failed {
            book.error_total += 1
        } else {
            book.success_total += 1
        }
        book.tokens_in_total += usage.tokens_in;
        book.tokens_out_total += usage.tokens_out;
    }

    fn model(&mut self, model: &str) -> Option<&mut PerModel> {
        if !self.per_model.contains_key(model) {
            if self.per_model.len() >= MAX_MODELS {
                return None;
            }
            self.per_model.insert(model.to_owned(), PerModel::default());
        }
        self.per_model.get_mut(model)
    }

    fn failed(&mut self, why: &str, now: SystemTime) {
        self.failures += 1;
        self.last_error = Some((why.to_owned(), now));
    }
}

/// Adds what a reply told.
pub(crate) fn add(sum: &mut Usage, told: Option<Usage>) {
    let told = told.unwrap_or_default();
    sum.tokens_in += told.tokens_in;
    sum.tokens_out += told.tokens_out;
}
