//! The connected upstreams, and which of them gets which request. Choosing the least busy one and taking its slot is one step under one short lock.
//! If all candidates are busy, the request waits in a queue per model and gets its slot in order of arrival.
//!
//! [`Registry`] is the interface. The `catalog` behind it knows what each upstream has; `selection` chooses among [`Candidate`]s, as a pure function;
//! a [`Shortlist`] holds the candidates of one request, and a [`SlotPermit`] the slot that it got.

mod catalog;
mod departed;
mod entry;
mod names;
mod offered;
mod outcomes;
mod permit;
mod queue;
mod rest;
mod selection;
mod shortlist;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llamapool_tunnel::control::Report;
use tokio::time::Instant;

pub use entry::{UpstreamId, UpstreamSnapshot};
pub use outcomes::{Outcomes, SlotOutcome};
pub use permit::SlotPermit;
pub use queue::Waiting;
pub use selection::{Candidate, NameMatch, Strategy, Unavailable, select};
pub use shortlist::{ModelQuery, Shortlist};
pub use view::RegistryView;

use crate::changes::Changes;
use crate::config::{AliasFallback, Queue};
use crate::upstream::{Identity, Upstream};
use catalog::Catalog;
use names::canonical;
use offered::OfferedModels;
use queue::WaitQueues;
use selection::NoCandidate;

/// All upstreams. Clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    started: Instant,
    fallback: AliasFallback,
    queue: Queue,
    changes: Changes,
}

#[derive(Default)]
struct State {
    pool: Catalog,
    queue: WaitQueues,
    offered: OfferedModels,
    /// Whether a worker has connected that was connected before this server started.
    has_resumed: bool,
}

/// After a restart of the server, all its workers have tried to reconnect within this time: it is the longest wait between two of their attempts.
const RESUME_TIME: Duration = Duration::from_secs(30);

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSlot {
    /// No upstream has the model, see [`Registry::is_unknown`].
    Unknown,
    /// No upstream that has it is ready, or all that are ready have been tried.
    NobodyReady,
    /// All are busy and the queue is full.
    Full,
    /// None became free in time.
    Timeout,
}

/// One entry of the model list.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The model's name.
    pub id: String,
    /// When it was first offered, Unix seconds.
    pub created: u64,
    /// The names of the upstreams that have it, sorted.
    pub workers: Vec<String>,
    /// Context length in tokens: the smallest that an upstream reports.
    pub context: Option<u64>,
}

impl Registry {
    /// A registry without upstreams, which notifies `changes`.
    pub fn new(queue: Queue, fallback: AliasFallback, changes: Changes) -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), started: Instant::now(), fallback, queue, changes }))
    }

    /// Adds an upstream. An older connection with the same identity is closed.
    pub fn join(&self, identity: Identity, upstream: Upstream) -> UpstreamId {
        let (id, replaced) = {
            let mut state = self.lock();
            let joined = state.pool.join(Arc::new(identity), upstream);
            state.note_models();
            joined
        };
        self.0.changes.notify_changed();
        replaced.iter().for_each(Upstream::close_replaced);
        id
    }

    /// Records an upstream's report: whether it is ready, and what it has.
    pub fn report(&self, id: UpstreamId, report: Report) {
        let mut state = self.lock();
        if state.pool.report(id, report) {
            state.note_models();
        }
        self.serve_queue(&mut state, false);
        self.0.changes.notify_changed();
    }

    /// A worker has connected that was connected before: if this server started recently, others like it are still to come.
    pub fn note_resumed(&self) {
        self.lock().has_resumed = true;
    }

    /// The runtime of an upstream no longer has a model, although its last report lists it: the upstream gets no requests for it until its next
    /// report.
    pub fn withdraw(&self, id: UpstreamId, model: &str) {
        self.lock().pool.withdraw(id, model);
    }

    /// Removes an upstream. Requests that wait for a model that no other upstream can serve leave the queue.
    pub fn leave(&self, id: UpstreamId) {
        let mut state = self.lock();
        state.pool.leave(id);
        state.note_models();
        self.serve_queue(&mut state, true);
        self.0.changes.notify_changed();
    }

    /// The upstreams that have the model, and why some of them cannot take the request now. Nothing is claimed yet.
    pub fn shortlist(&self, query: ModelQuery) -> Shortlist {
        let mut candidates = Vec::new();
        self.lock().pool.candidates(&query, &[], self.0.fallback, &mut candidates);
        Shortlist { query, candidates, tried: Vec::new(), waited: Duration::ZERO }
    }

    /// Claims a slot of the best candidate that has not been tried, and counts it as tried. If all are busy, waits for a slot: then `on_wait` is
    /// called with the number of requests in all queues.
    ///
    /// # Errors
    /// See [`NoSlot`]. Dropping the future leaves the queue.
    pub async fn claim(
        &self,
        shortlist: &mut Shortlist,
        on_wait: impl FnOnce(usize),
    ) -> Result<SlotPermit, NoSlot> {
        let permit = self.claim_untried(shortlist, on_wait).await?;
        shortlist.tried.push(permit.upstream_id());
        Ok(permit)
    }

    async fn claim_untried(
        &self,
        shortlist: &mut Shortlist,
        on_wait: impl FnOnce(usize),
    ) -> Result<SlotPermit, NoSlot> {
        let Shortlist { query, candidates, tried, waited } = shortlist;
        let waiting = {
            let mut state = self.lock();
            match state.pool.pick(query, tried, self.0.fallback, candidates) {
                Ok(picked) => return Ok(SlotPermit::new(self.clone(), picked)),
                Err(NoCandidate::Busy) => {
                    let model = state.pool.queue_name(&query.name).to_owned();
                    state.queue.join(model, query, tried, self.0.queue.size).ok_or(NoSlot::Full)?
                }
                Err(_) if !query.any_model && self.is_unknown_in(&state, &query.name) => {
                    return Err(NoSlot::Unknown);
                }
                Err(_) => return Err(NoSlot::NobodyReady),
            }
        };
        self.0.changes.notify_changed();
        let queued = self.lock().queue.len();
        on_wait(queued);
        let since = Instant::now();
        let called = tokio::time::timeout(self.0.queue.timeout.saturating_sub(*waited), waiting).await;
        *waited += since.elapsed();
        match called {
            Ok(Ok(Some(permit))) => Ok(permit),
            Ok(Ok(None)) => Err(NoSlot::NobodyReady),
            Ok(Err(_)) | Err(_) => Err(NoSlot::Timeout),
        }
    }

    /// Whether no model of this name exists, as far as upstreams have reported. It may exist if an upstream that had it left recently, and as long as
    /// no upstream has reported its models: none has connected yet, or the server was restarted and its workers are about to come back.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.is_unknown_in(&self.lock(), name)
    }

    fn is_unknown_in(&self, state: &State, name: &str) -> bool {
        let awaits_workers = state.has_resumed && self.0.started.elapsed() < RESUME_TIME;
        !awaits_workers && state.pool.is_unknown(name, self.0.fallback)
    }

    /// The model list, sorted.
    pub fn models(&self) -> Vec<ListedModel> {
        let state = self.lock();
        let listed = state.pool.models().into_iter().map(|(id, workers)| ListedModel {
            created: state.offered.first_offered(&id),
            context: state.pool.context(&id),
            workers: workers.into_iter().map(str::to_owned).collect(),
            id,
        });
        listed.collect()
    }

    /// The entry of one model, found in the same way as for a request.
    pub fn model(&self, name: &str) -> Option<ListedModel> {
        let listed_name = self.listed_name(name)?;
        self.models().into_iter().find(|listed| listed.id == listed_name)
    }

    /// This name as it appears in the model list, if it does.
    pub fn listed_name(&self, name: &str) -> Option<String> {
        self.lock().pool.listed_name(name).map(str::to_owned)
    }

    /// A listed model with a similar name, for when a name is misspelt.
    pub fn similar_model(&self, name: &str) -> Option<String> {
        let models = self.models();
        names::similar(name, models.iter().map(|listed| listed.id.as_str())).map(str::to_owned)
    }

    /// Records the round-trip time to an upstream.
    pub fn measured(&self, id: UpstreamId, latency: Duration) {
        self.lock().pool.measured(id, latency);
    }

    /// Upstreams and queues at one moment, read under one lock.
    pub fn view(&self) -> RegistryView {
        let mut state = self.lock();
        RegistryView {
            workers: state.pool.workers(),
            endpoints: state.pool.endpoints(),
            waiting: state.queue.waiting(|name| state.pool.providers(name)),
            is_ready: state.pool.is_ready(),
        }
    }

    /// Excludes an upstream from new requests, or ends that. Returns whether that changed anything.
    pub fn hold(&self, id: &str, hold: bool) -> bool {
        let mut state = self.lock();
        let changed = state.pool.hold(id, hold);
        self.serve_queue(&mut state, false);
        self.0.changes.notify_changed();
        changed
    }

    /// Whether at least one upstream can serve.
    pub fn is_ready(&self) -> bool {
        self.lock().pool.is_ready()
    }

    /// The number of connected workers, not counting those with this id.
    pub fn workers_besides(&self, id: &str) -> usize {
        self.lock().pool.workers_besides(id)
    }

    /// How the requests of an upstream ended, while it is connected.
    pub fn outcomes(&self, id: UpstreamId) -> Option<Outcomes> {
        self.lock().pool.outcomes(id)
    }

    /// All connections.
    pub fn upstreams(&self) -> Vec<Upstream> {
        self.lock().pool.upstreams().cloned().collect()
    }

    fn release(&self, id: UpstreamId, outcome: SlotOutcome) {
        let mut state = self.lock();
        if let Some(rests) = state.pool.release(id, outcome) {
            tracing::warn!(worker.name = rests.name, "{} rests after repeated failures", rests.name);
        }
        self.serve_queue(&mut state, false);
    }

    /// Gives free slots to requests in the queue, in order of arrival. With `dismiss`, requests that no upstream can serve any more leave it.
    fn serve_queue(&self, state: &mut State, dismiss: bool) {
        let State { pool, queue, .. } = state;
        let mut candidates = Vec::new();
        loop {
            queue.serve(dismiss, |query, tried| {
                let picked = pool.pick(query, tried, self.0.fallback, &mut candidates)?;
                self.0.changes.notify_changed();
                Ok(SlotPermit::new(self.clone(), picked))
            });
            let returned = queue.take_returned();
            if returned.is_empty() {
                return;
            }
            for mut permit in returned {
                // The request left at the same moment. Its slot is released here, where the lock is already held.
                permit.is_released = true;
                pool.release(permit.upstream_id(), SlotOutcome::Neutral);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note_models(&mut self) {
        let models = self.pool.models();
        self.offered.note(models.into_iter().map(|(name, _)| canonical(&name).to_owned()));
    }
}

#[cfg(test)]
mod tests;
