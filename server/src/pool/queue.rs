//! Requests that wait for a free slot: one queue in order of arrival, with a limit per model.

use std::collections::{BTreeMap, HashSet, VecDeque};

use tokio::sync::oneshot;

use super::names::canonical;
use super::{ModelQuery, SlotPermit, UpstreamId};

/// The queue.
#[derive(Default)]
pub(super) struct WaitQueue {
    waiters: VecDeque<Waiter>,
    returned: Vec<SlotPermit>,
}

struct Waiter {
    query: ModelQuery,
    tried: Vec<UpstreamId>,
    permit: oneshot::Sender<SlotPermit>,
}

impl Waiter {
    fn model(&self) -> &str {
        canonical(&self.query.name)
    }
}

/// The requests that wait for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The model, without `:latest`.
    pub model: String,
    /// Requests that wait.
    pub requests: usize,
    /// Upstreams that have the model.
    pub providers: usize,
}

impl Waiting {
    /// Whether a model of this name would serve them.
    pub fn serves(&self, name: &str) -> bool {
        canonical(name) == self.model
    }
}

impl WaitQueue {
    /// Joins the queue, unless `size` requests wait for the same model already.
    pub(super) fn join(
        &mut self,
        query: &ModelQuery,
        tried: &[UpstreamId],
        size: usize,
    ) -> Option<oneshot::Receiver<SlotPermit>> {
        self.waiters.retain(|waiter| !waiter.permit.is_closed());
        let before = self.waiters.iter().filter(|waiter| waiter.model() == canonical(&query.name)).count();
        if before >= size {
            return None;
        }
        let (permit, called) = oneshot::channel();
        self.waiters.push_back(Waiter { query: query.clone(), tried: tried.to_vec(), permit });
        Some(called)
    }

    /// Hands out the slots that `claim` finds, to the earliest requests first. Within one model no request overtakes another, except one that a
    /// free upstream has failed already.
    pub(super) fn serve(&mut self, mut claim: impl FnMut(&ModelQuery, &[UpstreamId]) -> Option<SlotPermit>) {
        let mut busy: HashSet<String> = HashSet::new();
        for waiter in std::mem::take(&mut self.waiters) {
            if waiter.permit.is_closed() {
                continue;
            }
            if busy.contains(waiter.model()) {
                self.waiters.push_back(waiter);
                continue;
            }
            match claim(&waiter.query, &waiter.tried) {
                Some(permit) => self.returned.extend(waiter.permit.send(permit).err()),
                None => {
                    if waiter.tried.is_empty() {
                        busy.insert(waiter.model().to_owned());
                    }
                    self.waiters.push_back(waiter);
                }
            }
        }
    }

    /// Slots whose request left in the moment it got one.
    pub(super) fn take_returned(&mut self) -> Vec<SlotPermit> {
        std::mem::take(&mut self.returned)
    }

    /// The requests that wait, by model.
    pub(super) fn waiting(&self, providers: impl Fn(&str) -> usize) -> Vec<Waiting> {
        let mut by_model: BTreeMap<&str, usize> = BTreeMap::new();
        for waiter in self.waiters.iter().filter(|waiter| !waiter.permit.is_closed()) {
            *by_model.entry(waiter.model()).or_default() += 1;
        }
        let queues = by_model.into_iter().map(|(model, requests)| Waiting {
            model: model.to_owned(),
            requests,
            providers: providers(model),
        });
        queues.collect()
    }

    /// All requests that wait.
    pub(super) fn len(&self) -> usize {
        self.waiters.iter().filter(|waiter| !waiter.permit.is_closed()).count()
    }
}
