//! Who waits for a free slot: one line in order of arrival, in which each model has room for so many.

use std::collections::{BTreeMap, HashSet, VecDeque};

use tokio::sync::oneshot;

use super::Claim;
use super::catalog::{ConnectionId, ModelQuery};
use super::names::canonical;

/// The line.
#[derive(Default)]
pub(super) struct WaitQueue {
    waiters: VecDeque<Waiter>,
    returned: Vec<Claim>,
}

struct Waiter {
    want: ModelQuery,
    tried: Vec<ConnectionId>,
    call: oneshot::Sender<Claim>,
}

impl Waiter {
    fn model(&self) -> &str {
        canonical(&self.want.name)
    }
}

/// Those who wait for one model, as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The model, without `:latest`.
    pub model: String,
    /// Who waits.
    pub requests: usize,
    /// Workers that have the model.
    pub providers: usize,
}

impl Waiting {
    /// Whether a model of this name would serve those who wait.
    pub fn serves(&self, name: &str) -> bool {
        canonical(name) == self.model
    }
}

impl WaitQueue {
    /// Joins the line, unless `size` wait for the same model already.
    pub(super) fn join(
        &mut self,
        want: &ModelQuery,
        tried: &[ConnectionId],
        size: usize,
    ) -> Option<oneshot::Receiver<Claim>> {
        self.waiters.retain(|waiter| !waiter.call.is_closed());
        let before = self.waiters.iter().filter(|waiter| waiter.model() == canonical(&want.name)).count();
        if before >= size {
            return None;
        }
        let (call, called) = oneshot::channel();
        self.waiters.push_back(Waiter { want: want.clone(), tried: tried.to_vec(), call });
        Some(called)
    }

    /// Calls those for whom `slot` has one, the earliest first. Within one model nobody overtakes, except those whom a free worker has
    /// already failed.
    pub(super) fn call(&mut self, mut slot: impl FnMut(&ModelQuery, &[ConnectionId]) -> Option<Claim>) {
        let mut busy: HashSet<String> = HashSet::new();
        for waiter in std::mem::take(&mut self.waiters) {
            if waiter.call.is_closed() {
                continue;
            }
            if busy.contains(waiter.model()) {
                self.waiters.push_back(waiter);
                continue;
            }
            match slot(&waiter.want, &waiter.tried) {
                Some(claim) => self.returned.extend(waiter.call.send(claim).err()),
                None => {
                    if waiter.tried.is_empty() {
                        busy.insert(waiter.model().to_owned());
                    }
                    self.waiters.push_back(waiter);
                }
            }
        }
    }

    /// Slots whose waiter left in the moment it was called.
    pub(super) fn take_returned(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.returned)
    }

    /// Those who wait, by model.
    pub(super) fn waiting(&self, providers: impl Fn(&str) -> usize) -> Vec<Waiting> {
        let mut by_model: BTreeMap<&str, usize> = BTreeMap::new();
        for waiter in self.waiters.iter().filter(|waiter| !waiter.call.is_closed()) {
            *by_model.entry(waiter.model()).or_default() += 1;
        }
        let lines = by_model.into_iter().map(|(model, requests)| Waiting {
            model: model.to_owned(),
            requests,
            providers: providers(model),
        });
        lines.collect()
    }

    /// All who wait.
    pub(super) fn len(&self) -> usize {
        self.waiters.iter().filter(|waiter| !waiter.call.is_closed()).count()
    }
}
