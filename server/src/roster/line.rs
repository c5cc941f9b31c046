//! Who waits for a free slot: a bounded line for each model, called in order of arrival over all lines.

use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use super::Claim;
use super::name::canonical;
use super::pool::{SeatId, Want};

/// One line as others see it.
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

/// All lines.
#[derive(Default)]
pub(super) struct Line {
    by_model: HashMap<String, VecDeque<Waiter>>,
    arrivals: u64,
    returned: Vec<Claim>,
}

struct Waiter {
    arrival: u64,
    want: Want,
    tried: Vec<SeatId>,
    call: oneshot::Sender<Claim>,
}

impl Line {
    /// Joins the line of a model, unless `size` wait in it already.
    pub(super) fn join(
        &mut self,
        want: &Want,
        tried: &[SeatId],
        size: usize,
    ) -> Option<oneshot::Receiver<Claim>> {
        let line = self.by_model.entry(canonical(&want.name).to_owned()).or_default();
        line.retain(|waiting| !waiting.call.is_closed());
        if line.len() >= size {
            return None;
        }
        self.arrivals += 1;
        let (call, called) = oneshot::channel();
        line.push_back(Waiter { arrival: self.arrivals, want: want.clone(), tried: tried.to_vec(), call });
        Some(called)
    }

    /// Calls those for whom `slot` has one, the earliest first. Within one model nobody overtakes, except those whom a free worker has
    /// already failed.
    pub(super) fn call(&mut self, mut slot: impl FnMut(&Want, &[SeatId]) -> Option<Claim>) {
        if self.by_model.is_empty() {
            return;
        }
        let mut order: Vec<(u64, String)> = self
            .by_model
            .iter()
            .flat_map(|(model, line)| line.iter().map(|waiting| (waiting.arrival, model.clone())))
            .collect();
        order.sort_unstable();
        let mut served_out: Vec<String> = Vec::new();
        for (arrival, model) in order {
            if served_out.contains(&model) {
                continue;
            }
            let Some(line) = self.by_model.get_mut(&model) else { continue };
            let Some(at) = line.iter().position(|waiting| waiting.arrival == arrival) else { continue };
            if line[at].call.is_closed() {
                line.remove(at);
                continue;
            }
            match slot(&line[at].want, &line[at].tried) {
                Some(claim) => {
                    let waiting = line.remove(at).expect("the position was just found");
                    self.returned.extend(waiting.call.send(claim).err());
                }
                None if line[at].tried.is_empty() => served_out.push(model),
                None => {}
            }
        }
        self.by_model.retain(|_, line| !line.is_empty());
    }

    /// The lines in which somebody waits, sorted by model.
    pub(super) fn waiting(&self, providers: impl Fn(&str) -> usize) -> Vec<Waiting> {
        let lines = self.by_model.iter().map(|(model, line)| Waiting {
            model: model.clone(),
            requests: line.iter().filter(|waiter| !waiter.call.is_closed()).count(),
            providers: providers(model),
        });
        let mut lines: Vec<_> = lines.filter(|line| line.requests > 0).collect();
        lines.sort_by(|a, b| a.model.cmp(&b.model));
        lines
    }

    /// Slots whose waiter left in the moment it was called.
    pub(super) fn take_returned(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.returned)
    }
}
