//! Which candidate gets a request: pure functions over the candidates of one model.

use std::sync::Arc;

use super::UpstreamId;
use crate::config::AliasFallback;

/// The share of an upstream that is in use is `in_flight / capacity`. Where the capacity is unknown, this one is assumed; it is no limit.
const ASSUMED_CAPACITY: u32 = 4;

/// An upstream that has the model of a request, as it was when the registry's lock was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The upstream.
    pub upstream: UpstreamId,
    /// The model's name there.
    pub name: Arc<str>,
    /// How that name matches the requested one.
    pub name_match: NameMatch,
    /// Why the upstream cannot take the request now, if it cannot.
    pub unavailable: Option<Unavailable>,
    /// Whether it comes before the others, however busy it is.
    pub is_preferred: bool,
    /// Whether it rests after failures. It is chosen only if no other can serve the request.
    pub is_resting: bool,
    /// Slots in use.
    pub in_flight: u32,
    /// Slots; `None` if no limit is known.
    pub capacity: Option<u32>,
    /// When it was last chosen: a count of all choices.
    pub last_turn: u64,
    /// Whether the model is in memory there.
    pub is_loaded: bool,
}

/// How the name of a model matches the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameMatch {
    /// The same model; `name` and `name:latest` are one.
    Exact,
    /// The same model and size in another quantization.
    Alias,
}

/// Why an upstream cannot take a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// It has failed this request before.
    Tried,
    /// Its runtime no longer has the model, although its last report lists it.
    Withdrawn,
    /// It reports that it is not ready, or its connection is closed.
    NotReady,
    /// An operator keeps it from new requests.
    Held,
    /// All of its slots are in use.
    Busy,
}

/// How the best candidate is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The candidate with the smallest share of its slots in use; among equals, the one that was chosen longest ago.
    LeastBusy,
}

/// Why no candidate was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoCandidate {
    /// No upstream has the model.
    Unknown,
    /// None of those that have it is ready and untried.
    NobodyReady,
    /// All that are ready are busy.
    Busy,
}

impl Candidate {
    /// Whether it could take the request, now or when a slot becomes free, even if only as a last resort.
    pub fn may_serve(&self) -> bool {
        matches!(self.unavailable, None | Some(Unavailable::Busy))
    }
}

/// The index of the best available candidate.
pub fn select(candidates: &[Candidate], strategy: Strategy) -> Option<usize> {
    best(candidates, strategy, |_| true)
}

fn best(candidates: &[Candidate], strategy: Strategy, may_be: impl Fn(&Candidate) -> bool) -> Option<usize> {
    let is_available = |candidate: &Candidate| candidate.unavailable.is_none() && may_be(candidate);
    let available = candidates.iter().enumerate().filter(|(_, candidate)| is_available(candidate));
    let best = match strategy {
        Strategy::LeastBusy => available.min_by(|(_, a), (_, b)| compare_load(a, b)),
    };
    best.map(|(at, _)| at)
}

/// The index of the candidate that gets the request. Candidates with the exact name come first in the slice, and aliases are chosen only as
/// `fallback` allows. A resting candidate counts as not ready, unless there is no other.
pub(super) fn choose(
    candidates: &[Candidate],
    fallback: AliasFallback,
    strategy: Strategy,
) -> Result<usize, NoCandidate> {
    choose_among(candidates, fallback, strategy, |candidate| !candidate.is_resting).or_else(|why| match why {
        NoCandidate::NobodyReady => choose_among(candidates, fallback, strategy, |_| true),
        NoCandidate::Unknown | NoCandidate::Busy => Err(why),
    })
}

fn choose_among(
    candidates: &[Candidate],
    fallback: AliasFallback,
    strategy: Strategy,
    may_be: impl Fn(&Candidate) -> bool + Copy,
) -> Result<usize, NoCandidate> {
    let is_exact = |candidate: &Candidate| candidate.name_match == NameMatch::Exact;
    let is_ready = |candidate: &Candidate| candidate.may_serve() && may_be(candidate);
    let (exact, alias) = candidates.split_at(candidates.partition_point(is_exact));
    if let Some(at) = best(exact, strategy, may_be) {
        return Ok(at);
    }
    let only_exact = fallback == AliasFallback::Missing && exact.iter().any(is_ready);
    if !only_exact && let Some(at) = best(alias, strategy, may_be) {
        return Ok(exact.len() + at);
    }
    Err(match candidates {
        [] => NoCandidate::Unknown,
        _ if candidates.iter().any(is_ready) => NoCandidate::Busy,
        _ => NoCandidate::NobodyReady,
    })
}

/// The preferred one first; then shares in use, by cross-multiplication, so that they stay whole numbers; then turns; then, between models of one upstream, prefers the
/// loaded one.
fn compare_load(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    let capacity = |of: &Candidate| u64::from(of.capacity.unwrap_or(ASSUMED_CAPACITY));
    let share = |of: &Candidate, other: &Candidate| u64::from(of.in_flight) * capacity(other);
    b.is_preferred
        .cmp(&a.is_preferred)
        .then_with(|| share(a, b).cmp(&share(b, a)))
        .then(a.last_turn.cmp(&b.last_turn))
        .then(b.is_loaded.cmp(&a.is_loaded))
        .then_with(|| a.name.cmp(&b.name))
}

#[cfg(test)]
mod tests;
