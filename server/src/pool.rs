//! The workers that are there, and who gets which request. Choosing the least busy and taking its slot is one step under one short lock; who
//! finds all of them busy waits in line, per model, and is called in order of arrival.

mod catalog;
mod names;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use llamapool_worker_core::tunnel::control::{Bye, Report};

pub use catalog::{ConnectionId, ModelQuery, Worker, WorkerSnapshot};
pub use queue::Waiting;

use crate::config::{AliasFallback, Queue};
use catalog::{Pick, Picked, Pool};
use names::canonical;
use queue::WaitQueue;

/// So long after its last worker left, a model is "not ready" rather than unknown: workers come back.
const REMEMBER: Duration = Duration::from_secs(600);

/// Most model names remembered or dated. Workers decide over the names, so there has to be an end.
const MAX_NAMES: usize = 100_000;

/// All workers, shared by everybody.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    fallback: AliasFallback,
    queue: Queue,
}

#[derive(Default)]
struct State {
    pool: Pool,
    line: WaitQueue,
    /// When each model (canonical name) was first and last offered.
    offered: HashMap<String, Offered>,
}

struct Offered {
    first: SystemTime,
    gone: Option<Instant>,
}

/// A slot of a worker, held until it is dropped.
pub struct Claim {
    registry: Registry,
    picked: Picked,
    spent: bool,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSlot {
    /// No worker has the model.
    Unknown,
    /// None that has it is ready, or all that are have been tried.
    NobodyReady,
    /// All are busy and the line is full.
    Full,
    /// None became free in time.
    Timeout,
}

/// One entry of the model list.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// The model's name.
    pub id: String,
    /// When it was first offered, Unix seconds.
    pub created: u64,
    /// The workers that have it, sorted.
    pub workers: Vec<String>,
}

impl Registry {
    /// A registry without workers.
    pub fn new(queue: Queue, fallback: AliasFallback) -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), fallback, queue }))
    }

    /// Takes a worker in. One with the same id is sent away at once.
    pub fn join(&self, member: Arc<Worker>) -> ConnectionId {
        let (seat, replaced) = {
            let mut state = self.lock();
            let joined = state.pool.join(member);
            state.note_models();
            joined
        };
        for older in replaced {
            older.link.close(&Bye {
                code: llamapool_worker_core::tunnel::control::ByeCode::Replaced,
                reason: "a newer connection of the same worker id took over".to_owned(),
            });
        }
        seat
    }

    /// Takes note of how a worker is.
    pub fn report(&self, seat: ConnectionId, report: Report) {
        let mut state = self.lock();
        if state.pool.report(seat, report) {
            state.note_models();
        }
        self.call_waiting(&mut state);
    }

    /// A worker is gone.
    pub fn leave(&self, seat: ConnectionId) {
        let mut state = self.lock();
        state.pool.leave(seat);
        state.note_models();
    }

    /// A slot of the best worker for `want`, waiting for one if all are busy. Workers in `tried` are passed over.
    ///
    /// # Errors
    /// See [`NoSlot`]. Dropping the future leaves the line.
    pub async fn claim(&self, want: &ModelQuery, tried: &[ConnectionId]) -> Result<Claim, NoSlot> {
        self.claim_or_wait(want, tried, |_| {}).await
    }

    /// The same; `on_wait` is told how many wait in all lines, if this one has to.
    pub async fn claim_or_wait(
        &self,
        want: &ModelQuery,
        tried: &[ConnectionId],
        on_wait: impl FnOnce(usize),
    ) -> Result<Claim, NoSlot> {
        let waiting = {
            let mut state = self.lock();
            match state.pool.pick(want, tried, self.0.fallback) {
                Pick::Seat(picked) => return Ok(self.claimed(picked)),
                Pick::NobodyReady => return Err(NoSlot::NobodyReady),
                Pick::Unknown if state.is_remembered(&want.name) => return Err(NoSlot::NobodyReady),
                Pick::Unknown => return Err(NoSlot::Unknown),
                Pick::Busy => state.line.join(want, tried, self.0.queue.size).ok_or(NoSlot::Full)?,
            }
        };
        let in_line = self.lock().line.len();
        on_wait(in_line);
        match tokio::time::timeout(self.0.queue.timeout, waiting).await {
            Ok(Ok(claim)) => Ok(claim),
            Ok(Err(_)) | Err(_) => Err(NoSlot::Timeout),
        }
    }

    /// The model list, sorted.
    pub fn models(&self) -> Vec<Listed> {
        let state = self.lock();
        let listed = state.pool.models().into_iter().map(|(id, workers)| Listed {
            created: state.created(&id),
            workers: workers.into_iter().map(str::to_owned).collect(),
            id,
        });
        listed.collect()
    }

    /// The entry of one model; `name` and `name:latest` are one.
    pub fn model(&self, name: &str) -> Option<Listed> {
        self.models().into_iter().find(|listed| canonical(&listed.id) == canonical(name))
    }

    /// How the model list has this name, if it does.
    pub fn listed_name(&self, name: &str) -> Option<String> {
        self.lock().pool.listed_name(name).map(str::to_owned)
    }

    /// Takes note of how far away a worker is.
    pub fn measured(&self, id: ConnectionId, latency: Duration) {
        self.lock().pool.measured(id, latency);
    }

    /// Everybody as they were seen last, those that left lately included.
    pub fn seen(&self) -> Vec<WorkerSnapshot> {
        self.lock().pool.seen()
    }

    /// The lines of those who wait.
    pub fn waiting(&self) -> Vec<Waiting> {
        let state = self.lock();
        state.line.waiting(|name| state.pool.providers(name))
    }

    /// Keeps a worker from new requests, or no longer. Says whether that changed anything.
    pub fn hold(&self, worker: &str, hold: bool) -> bool {
        let mut state = self.lock();
        let changed = state.pool.hold(worker, hold);
        self.call_waiting(&mut state);
        changed
    }

    /// Whether at least one worker can serve.
    pub fn is_ready(&self) -> bool {
        self.lock().pool.is_ready()
    }

    /// Everybody's link, to say something to all.
    pub fn members(&self) -> Vec<Arc<Worker>> {
        self.lock().pool.members().cloned().collect()
    }

    fn claimed(&self, picked: Picked) -> Claim {
        Claim { registry: self.clone(), picked, spent: false }
    }

    fn release(&self, seat: ConnectionId) {
        let mut state = self.lock();
        state.pool.release(seat);
        self.call_waiting(&mut state);
    }

    /// Gives free slots to those who wait, in order of arrival.
    fn call_waiting(&self, state: &mut State) {
        let State { pool, line, .. } = state;
        loop {
            line.call(|want, tried| match pool.pick(want, tried, self.0.fallback) {
                Pick::Seat(picked) => Some(self.claimed(picked)),
                _ => None,
            });
            let unwanted = line.take_returned();
            if unwanted.is_empty() {
                return;
            }
            for mut claim in unwanted {
                // Whoever waited has left in the same moment; the slot is given back here, where the lock is held already.
                claim.spent = true;
                pool.release(claim.picked.seat);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Dates the models on offer, and forgets those that have not been for long.
    fn note_models(&mut self) {
        let offered: Vec<String> =
            self.pool.models().into_iter().map(|(name, _)| canonical(&name).to_owned()).collect();
        let now = Instant::now();
        self.offered.values_mut().for_each(|seen| {
            seen.gone.get_or_insert(now);
        });
        for name in offered {
            if self.offered.len() < MAX_NAMES || self.offered.contains_key(&name) {
                self.offered.entry(name).or_insert(Offered { first: SystemTime::now(), gone: None }).gone =
                    None;
            }
        }
        if self.offered.len() >= MAX_NAMES {
            self.offered.retain(|_, seen| seen.gone.is_none_or(|gone| gone.elapsed() < REMEMBER));
        }
    }

    fn is_remembered(&self, name: &str) -> bool {
        let gone = self.offered.get(canonical(name)).and_then(|offered| offered.gone);
        gone.is_some_and(|gone| gone.elapsed() < REMEMBER)
    }

    fn created(&self, name: &str) -> u64 {
        let first = self.offered.get(canonical(name)).map_or(UNIX_EPOCH, |offered| offered.first);
        first.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

impl Claim {
    /// Whose slot it is.
    pub fn member(&self) -> &Arc<Worker> {
        &self.picked.member
    }

    /// Which connection's.
    pub fn seat(&self) -> ConnectionId {
        self.picked.seat
    }

    /// The model's name as this worker has it.
    pub fn model(&self) -> &str {
        &self.picked.model
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.spent {
            self.registry.release(self.picked.seat);
        }
    }
}

#[cfg(test)]
mod tests;
