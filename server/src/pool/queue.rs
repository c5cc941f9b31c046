//! Requests that wait for a free slot: one queue per model, in order of arrival and with a limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::names::canonical;
use super::selection::NoCandidate;
use super::{ModelQuery, SlotPermit, UpstreamId};

/// The queues.
#[derive(Default)]
pub(super) struct WaitQueues {
    /// By model, without `:latest`. No queue is empty.
    queues: HashMap<String, VecDeque<Waiter>>,
    /// Counts arrivals, so that the oldest request of all queues comes first.
    arrivals: u64,
    returned: Vec<SlotPermit>,
}

struct Waiter {
    arrival: u64,
    query: ModelQuery,
    tried: Vec<UpstreamId>,
    permit: oneshot::Sender<Call>,
}

/// What a waiting request gets: a slot, or the news that there is none to wait for.
pub(super) type Call = Option<SlotPermit>;

/// The requests that wait for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The model, without `:latest`.
    pub model: String,
    /// Waiting requests.
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

impl WaitQueues {
    /// Joins the queue of `model`, unless `size` requests wait there already.
    pub(super) fn join(
        &mut self,
        model: String,
        query: &ModelQuery,
        tried: &[UpstreamId],
        size: usize,
    ) -> Option<oneshot::Receiver<Call>> {
        let before = self.queues.get_mut(&model).map_or(0, |queue| {
            queue.retain(|waiter| !waiter.permit.is_closed());
            queue.len()
        });
        if before >= size {
            return None;
        }
        let (permit, called) = oneshot::channel();
        self.arrivals += 1;
        let waiter = Waiter { arrival: self.arrivals, query: query.clone(), tried: tried.to_vec(), permit };
        self.queues.entry(model).or_default().push_back(waiter);
        Some(called)
    }

    /// Hands out the slots that `claim` finds, to the oldest requests first. Within one model no request overtakes another, except one that a
    /// free upstream has already failed, or may not serve. With `dismiss`, requests that no upstream can serve any more leave.
    pub(super) fn serve(
        &mut self,
        dismiss: bool,
        mut claim: impl FnMut(&ModelQuery, &[UpstreamId]) -> Result<SlotPermit, NoCandidate>,
    ) {
        if self.queues.is_empty() {
            return;
        }
        let mut queues: Vec<_> = self.queues.values_mut().map(|queue| (queue, 0)).collect();
        let first = |at: usize, queue: &VecDeque<Waiter>, position: usize| {
            queue.get(position).map(|waiter| Reverse((waiter.arrival, at)))
        };
        let mut next: BinaryHeap<_> =
            queues.iter().enumerate().filter_map(|(at, (queue, _))| first(at, queue, 0)).collect();
        while let Some(Reverse((_, at))) = next.pop() {
            let (queue, position) = &mut queues[at];
            let waiter = &queue[*position];
            let claimed = match waiter.permit.is_closed() {
                true => Ok(None),
                false => claim(&waiter.query, &waiter.tried).map(Some),
            };
            match claimed {
                Ok(permit) => self.returned.extend(call(queue, *position, permit)),
                Err(NoCandidate::NobodyReady | NoCandidate::Unknown) if dismiss => {
                    call(queue, *position, None);
                }
                Err(_) if !waiter.tried.is_empty() || waiter.query.only.is_some() => *position += 1,
                Err(_) => continue,
            }
            next.extend(first(at, queue, *position));
        }
        self.queues.retain(|_, queue| !queue.is_empty());
    }

    /// Slots whose request left just as it got one.
    pub(super) fn take_returned(&mut self) -> Vec<SlotPermit> {
        std::mem::take(&mut self.returned)
    }

    /// The waiting requests, by model.
    pub(super) fn waiting(&self, providers: impl Fn(&str) -> usize) -> Vec<Waiting> {
        let queues = self.queues.iter().map(|(model, queue)| (model, open(queue)));
        let sorted: BTreeMap<_, _> = queues.filter(|(_, requests)| *requests > 0).collect();
        let waiting = sorted.into_iter().map(|(model, requests)| Waiting {
            model: model.clone(),
            requests,
            providers: providers(model),
        });
        waiting.collect()
    }

    /// All waiting requests.
    pub(super) fn len(&self) -> usize {
        self.queues.values().map(open).sum()
    }
}

/// Takes a waiter out of its queue and wakes it. Returns the slot if the waiter left at this moment.
fn call(queue: &mut VecDeque<Waiter>, position: usize, permit: Call) -> Call {
    queue.remove(position)?.permit.send(permit).err().flatten()
}

/// The requests of a queue whose client is still connected.
fn open(queue: &VecDeque<Waiter>) -> usize {
    queue.iter().filter(|waiter| !waiter.permit.is_closed()).count()
}
