//! Who is there, what each has, and who gets the next request. Pure: no clock, no socket, no lock of its own; the registry puts one lock around
//! it, so that choosing a worker and taking its slot are one step.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::tunnel::Link;
use llamapool_worker_core::tunnel::control::{Readiness, Report};

use super::names::{alias_key, canonical};
use crate::config::AliasFallback;

/// Names one connection of one worker; never used twice.
pub type ConnectionId = u64;

/// A worker as it introduced itself.
pub struct Worker {
    /// Stable across reconnects.
    pub id: String,
    /// For people.
    pub name: String,
    /// Of the worker's software.
    pub version: String,
    /// Where its requests go.
    pub link: Link,
}

/// A worker as it was seen last.
#[derive(Clone)]
pub struct WorkerSnapshot {
    /// Who it is.
    pub member: Arc<Worker>,
    /// When it connected.
    pub joined: SystemTime,
    /// When it last reported.
    pub heard: SystemTime,
    /// How long it took to answer a PING last.
    pub latency: Option<Duration>,
    /// What it said.
    pub report: Option<Report>,
    /// Slots taken.
    pub in_flight: u32,
    /// Gets no requests because somebody said so.
    pub held: bool,
    /// When it left.
    pub gone: Option<SystemTime>,
}

/// Workers that left are shown for so long.
const KEEP_GONE: Duration = Duration::from_secs(600);

/// And no more than so many of them.
const MAX_GONE: usize = 200;

/// The model a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelQuery {
    /// As the request says it.
    pub name: String,
}

/// What came of looking for a worker.
pub(super) enum Pick {
    /// This one, whose slot is taken now.
    Seat(Picked),
    /// Those that have the model have no free slot.
    Busy,
    /// Nobody who has the model is ready, or all that are have been tried.
    NobodyReady,
    /// Nobody has the model.
    Unknown,
}

pub(super) struct Picked {
    pub(super) seat: ConnectionId,
    pub(super) member: Arc<Worker>,
    /// The model's name as this worker has it.
    pub(super) model: String,
}

/// All workers.
#[derive(Default)]
pub(super) struct Pool {
    seats: HashMap<ConnectionId, Seat>,
    /// Canonical name to those that have the model.
    exact: HashMap<String, Vec<Offer>>,
    /// Alias key to those that have a variant.
    alias: HashMap<String, Vec<Offer>>,
    next_seat: ConnectionId,
    /// Workers, by id, that get no requests because somebody said so.
    held: HashSet<String>,
    /// Those that left, oldest first.
    gone: VecDeque<WorkerSnapshot>,
    /// Counts choices, so that among equals it is the turn of whoever was chosen longest ago.
    turn: u64,
}

/// One model of one worker.
#[derive(Clone)]
struct Offer {
    seat: ConnectionId,
    name: String,
    loaded: bool,
}

struct Seat {
    member: Arc<Worker>,
    joined: SystemTime,
    heard: SystemTime,
    latency: Option<Duration>,
    report: Option<Report>,
    in_flight: u32,
    last_turn: u64,
}

impl Seat {
    fn seen(&self, held: &HashSet<String>) -> WorkerSnapshot {
        WorkerSnapshot {
            member: self.member.clone(),
            joined: self.joined,
            heard: self.heard,
            latency: self.latency,
            report: self.report.clone(),
            in_flight: self.in_flight,
            held: held.contains(&self.member.id),
            gone: None,
        }
    }

    fn is_ready(&self) -> bool {
        self.capacity() > 0
            && self.report.as_ref().is_some_and(|report| report.state == Readiness::Ready)
            && !self.member.link.is_closed()
    }

    fn has_slot(&self) -> bool {
        self.in_flight < self.capacity()
    }

    fn capacity(&self) -> u32 {
        self.report.as_ref().map_or(0, |report| report.capacity)
    }
}

impl Pool {
    /// Takes a worker in; the connections it replaces, those with the same id, are given back.
    pub(super) fn join(&mut self, member: Arc<Worker>) -> (ConnectionId, Vec<Arc<Worker>>) {
        let older: Vec<ConnectionId> =
            self.seats.iter().filter(|(_, seat)| seat.member.id == member.id).map(|(id, _)| *id).collect();
        let replaced = older.into_iter().filter_map(|id| self.leave(id)).collect();
        self.next_seat += 1;
        let now = SystemTime::now();
        self.gone.retain(|gone| gone.member.id != member.id);
        let seat =
            Seat { member, joined: now, heard: now, latency: None, report: None, in_flight: 0, last_turn: 0 };
        self.seats.insert(self.next_seat, seat);
        (self.next_seat, replaced)
    }

    /// Takes note of how a worker is. Says whether its models have changed.
    pub(super) fn report(&mut self, id: ConnectionId, report: Report) -> bool {
        let Some(seat) = self.seats.get_mut(&id) else { return false };
        seat.heard = SystemTime::now();
        let same_models = seat.report.as_ref().is_some_and(|before| before.models == report.models);
        seat.report = Some(report);
        if !same_models {
            self.index(id);
        }
        !same_models
    }

    pub(super) fn measured(&mut self, id: ConnectionId, latency: Duration) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.latency = Some(latency);
        }
    }

    pub(super) fn leave(&mut self, id: ConnectionId) -> Option<Arc<Worker>> {
        let seat = self.seats.remove(&id)?;
        self.unlist(id);
        if self.gone.len() == MAX_GONE {
            self.gone.pop_front();
        }
        let gone = Some(SystemTime::now());
        self.gone.push_back(WorkerSnapshot { gone, in_flight: 0, ..seat.seen(&self.held) });
        Some(seat.member)
    }

    /// Everybody, in order of arrival, then those that left lately.
    pub(super) fn seen(&mut self) -> Vec<WorkerSnapshot> {
        let lately =
            |gone: &WorkerSnapshot| gone.gone.is_some_and(|at| at.elapsed().is_ok_and(|ago| ago < KEEP_GONE));
        self.gone.retain(lately);
        let mut seats: Vec<_> = self.seats.iter().collect();
        seats.sort_unstable_by_key(|(id, _)| **id);
        let here = seats.into_iter().map(|(_, seat)| seat.seen(&self.held));
        here.chain(self.gone.iter().cloned()).collect()
    }

    /// Keeps a worker from new requests, or no longer. By its id, so that it holds over reconnects.
    pub(super) fn hold(&mut self, worker: &str, hold: bool) -> bool {
        if hold && self.seats.values().any(|seat| seat.member.id == worker) {
            self.held.insert(worker.to_owned());
            return true;
        }
        !hold && self.held.remove(worker)
    }

    /// How many workers have a model that answers to this name.
    pub(super) fn providers(&self, name: &str) -> usize {
        self.exact.get(canonical(name)).map_or(0, Vec::len)
    }

    /// How the model list has this name.
    pub(super) fn listed_name(&self, name: &str) -> Option<&str> {
        self.exact.get(canonical(name))?.iter().map(|offer| &*offer.name).min()
    }

    /// Chooses a worker and takes its slot: an exact name before an alias, then the least busy by share of its capacity, then in rotation.
    pub(super) fn pick(
        &mut self,
        want: &ModelQuery,
        tried: &[ConnectionId],
        fallback: AliasFallback,
    ) -> Pick {
        match self.choose(want, tried, fallback) {
            Ok(offer) => Pick::Seat(self.take(offer)),
            Err(nobody) => nobody,
        }
    }

    fn choose(
        &self,
        want: &ModelQuery,
        tried: &[ConnectionId],
        fallback: AliasFallback,
    ) -> Result<Offer, Pick> {
        let exact = self.exact.get(canonical(&want.name)).map_or(&[][..], Vec::as_slice);
        let alias = match alias_key(&want.name) {
            Some(key) if fallback != AliasFallback::Off => self.alias.get(key).map_or(&[][..], Vec::as_slice),
            _ => &[],
        };
        if exact.is_empty() && alias.is_empty() {
            return Err(Pick::Unknown);
        }
        let mut any_ready = false;
        for tier in [exact, alias] {
            let ready = || tier.iter().filter(|offer| self.is_candidate(offer, tried));
            let free = ready().filter(|offer| self.seats[&offer.seat].has_slot());
            if let Some(best) = free.min_by(|a, b| self.compare(a, b)) {
                return Ok(best.clone());
            }
            any_ready |= ready().next().is_some();
            if any_ready && fallback == AliasFallback::Missing {
                break;
            }
        }
        Err(if any_ready { Pick::Busy } else { Pick::NobodyReady })
    }

    pub(super) fn release(&mut self, id: ConnectionId) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.in_flight -= 1;
        }
    }

    /// Model names with the names of the workers that have them, both sorted; `name` and `name:latest` are one.
    pub(super) fn models(&self) -> Vec<(String, BTreeSet<&str>)> {
        let mut models: Vec<_> = self
            .exact
            .values()
            .filter_map(|offers| {
                let name = offers.iter().map(|offer| &offer.name).min()?.clone();
                Some((name, offers.iter().map(|offer| &*self.seats[&offer.seat].member.name).collect()))
            })
            .collect();
        models.sort();
        models
    }

    pub(super) fn is_ready(&self) -> bool {
        self.seats.values().any(|seat| seat.is_ready() && !self.held.contains(&seat.member.id))
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Arc<Worker>> {
        self.seats.values().map(|seat| &seat.member)
    }

    fn is_candidate(&self, offer: &Offer, tried: &[ConnectionId]) -> bool {
        let seat = &self.seats[&offer.seat];
        !tried.contains(&offer.seat) && seat.is_ready() && !self.held.contains(&seat.member.id)
    }

    /// Share of capacity in use, crosswise so that it stays whole numbers; then whose turn it is; then, of one worker's variants, the loaded.
    fn compare(&self, a: &Offer, b: &Offer) -> std::cmp::Ordering {
        let (x, y) = (&self.seats[&a.seat], &self.seats[&b.seat]);
        let share = |of: &Seat, other: &Seat| u64::from(of.in_flight) * u64::from(other.capacity());
        share(x, y)
            .cmp(&share(y, x))
            .then(x.last_turn.cmp(&y.last_turn))
            .then(b.loaded.cmp(&a.loaded))
            .then_with(|| a.name.cmp(&b.name))
    }

    fn take(&mut self, offer: Offer) -> Picked {
        self.turn += 1;
        let seat = self.seats.get_mut(&offer.seat).expect("offers are of seats that are there");
        seat.in_flight += 1;
        seat.last_turn = self.turn;
        Picked { seat: offer.seat, member: seat.member.clone(), model: offer.name }
    }

    fn index(&mut self, id: ConnectionId) {
        self.unlist(id);
        let report = self.seats.get(&id).and_then(|seat| seat.report.as_ref());
        for model in report.into_iter().flat_map(|report| &report.models) {
            let offer = Offer { seat: id, name: model.name.clone(), loaded: model.loaded == Some(true) };
            if let Some(key) = alias_key(&model.name) {
                self.alias.entry(key.to_owned()).or_default().push(offer.clone());
            }
            self.exact.entry(canonical(&model.name).to_owned()).or_default().push(offer);
        }
    }

    fn unlist(&mut self, id: ConnectionId) {
        for index in [&mut self.exact, &mut self.alias] {
            index.retain(|_, offers| {
                offers.retain(|offer| offer.seat != id);
                !offers.is_empty()
            });
        }
    }

    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u32 {
        self.seats.values().map(|seat| seat.in_flight).sum()
    }
}

#[cfg(test)]
mod tests;
