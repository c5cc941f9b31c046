//! The connected upstreams, what each of them has, and which gets the next request. It has no lock of its own: the registry puts one lock around it,
//! so that choosing an upstream and taking its slot are one step.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_tunnel::control::{Readiness, Report};
use tokio::time::Instant;

use super::departed::DepartedUpstreams;
use super::entry::{Entry, UpstreamId, UpstreamSnapshot};
use super::names::{alias_key, canonical, folded};
use super::outcomes::{Outcomes, SlotOutcome};
use super::selection::{self, Candidate, NameMatch, NoCandidate, Strategy, Unavailable};
use super::shortlist::ModelQuery;
use crate::config::AliasFallback;
use crate::upstream::{Identity, Upstream};

/// How long workers that left are shown.
const KEEP_GONE: Duration = Duration::from_secs(600);

/// At most this many workers that left are shown.
const MAX_GONE: usize = 200;

/// How candidates are compared.
const STRATEGY: Strategy = Strategy::LeastBusy;

/// The upstream that was chosen, whose slot is taken.
pub(super) struct Picked {
    pub(super) id: UpstreamId,
    pub(super) identity: Arc<Identity>,
    pub(super) upstream: Upstream,
    /// The model's name there.
    pub(super) model: Arc<str>,
}

/// All upstreams.
#[derive(Default)]
pub(super) struct Catalog {
    entries: HashMap<UpstreamId, Entry>,
    /// Canonical name to the upstreams that have the model.
    exact: HashMap<String, Vec<Offer>>,
    /// Canonical name in lower case to the upstreams that have the model and ignore case.
    folded: HashMap<String, Vec<Offer>>,
    /// Alias key to the upstreams that have a variant. Remote models are not among them.
    alias: HashMap<String, Vec<Offer>>,
    last_id: UpstreamId,
    /// Ids of upstreams that an operator excludes from new requests.
    held: HashSet<String>,
    /// The models of upstreams that left.
    departed: DepartedUpstreams,
    /// Workers that left, oldest first.
    gone: VecDeque<UpstreamSnapshot>,
    /// Counts choices, so that equals take turns.
    turn: u64,
}

/// One model of one upstream.
#[derive(Clone)]
struct Offer {
    upstream: UpstreamId,
    name: Arc<str>,
    is_loaded: bool,
    /// Whether its runtime passes requests on to a service elsewhere.
    is_remote: bool,
    /// Context length in tokens, if the runtime tells.
    context: Option<u64>,
}

impl Catalog {
    /// Adds an upstream. Returns its id and the connections that it replaces, which are those of the same kind with the same identity: a worker
    /// cannot replace an endpoint by taking its id.
    pub(super) fn join(
        &mut self,
        identity: Arc<Identity>,
        upstream: Upstream,
    ) -> (UpstreamId, Vec<Upstream>) {
        let is_same = |entry: &Entry| {
            entry.identity.id == identity.id && entry.upstream.is_worker() == upstream.is_worker()
        };
        let same = self.entries.iter().filter(|(_, entry)| is_same(entry));
        let older: Vec<UpstreamId> = same.map(|(id, _)| *id).collect();
        let replaced = older.into_iter().filter_map(|id| self.leave(id)).collect();
        self.last_id += 1;
        self.gone.retain(|gone| gone.identity.id != identity.id);
        self.entries.insert(self.last_id, Entry::new(identity, upstream));
        (self.last_id, replaced)
    }

    /// Records an upstream's report. Returns whether its models have changed.
    pub(super) fn report(&mut self, id: UpstreamId, report: Report) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        entry.heard = SystemTime::now();
        entry.withdrawn.clear();
        if matches!(report.state, Readiness::Ready | Readiness::Draining) {
            entry.has_listed = true;
            self.departed.forget(&entry.identity.id);
        }
        let is_same = |before: &Report| before.models == report.models && before.runtime == report.runtime;
        let same_models = entry.report.as_deref().is_some_and(is_same);
        entry.report = Some(Arc::new(report));
        if !same_models {
            self.index(id);
        }
        !same_models
    }

    /// Excludes the upstream from requests for this model until its next report.
    pub(super) fn withdraw(&mut self, id: UpstreamId, model: &str) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.withdrawn.insert(model.to_owned());
        }
    }

    pub(super) fn measured(&mut self, id: UpstreamId, latency: Duration) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.latency = Some(latency);
        }
    }

    pub(super) fn leave(&mut self, id: UpstreamId) -> Option<Upstream> {
        let entry = self.entries.remove(&id)?;
        self.unlist(id);
        let models = entry.report.iter().flat_map(|report| &report.models).map(|model| &*model.name);
        self.departed.note(&entry.identity.id, models, Instant::now());
        if entry.upstream.is_worker() {
            if self.gone.len() == MAX_GONE {
                self.gone.pop_front();
            }
            let gone = Some(SystemTime::now());
            // Its models are no longer useful, and many workers that come and go would fill the memory with them.
            let mut left = UpstreamSnapshot { gone, in_flight: 0, ..entry.snapshot(&self.held) };
            left.report =
                left.report.map(|report| Arc::new(Report { models: Vec::new(), ..(*report).clone() }));
            self.gone.push_back(left);
        }
        Some(entry.upstream)
    }

    /// The workers, in order of arrival, then those that left in the last ten minutes.
    pub(super) fn workers(&mut self) -> Vec<UpstreamSnapshot> {
        let lately = |gone: &UpstreamSnapshot| {
            gone.gone.is_some_and(|at| at.elapsed().is_ok_and(|ago| ago < KEEP_GONE))
        };
        self.gone.retain(lately);
        let here = self.snapshots(|entry| entry.upstream.is_worker());
        here.into_iter().chain(self.gone.iter().cloned()).collect()
    }

    /// The endpoints, in order of arrival.
    pub(super) fn endpoints(&self) -> Vec<UpstreamSnapshot> {
        self.snapshots(|entry| !entry.upstream.is_worker())
    }

    fn snapshots(&self, which: impl Fn(&Entry) -> bool) -> Vec<UpstreamSnapshot> {
        let mut entries: Vec<_> = self.entries.iter().filter(|(_, entry)| which(entry)).collect();
        entries.sort_unstable_by_key(|(id, _)| **id);
        entries.into_iter().map(|(_, entry)| entry.snapshot(&self.held)).collect()
    }

    /// Excludes an upstream from new requests, or ends that. This follows its identity, so that it survives reconnects.
    pub(super) fn hold(&mut self, id: &str, hold: bool) -> bool {
        if hold && self.entries.values().any(|entry| entry.identity.id == id) {
            self.held.insert(id.to_owned());
            return true;
        }
        !hold && self.held.remove(id)
    }

    /// The upstreams that have the model of this name: those that use exactly this name, else those that ignore case, if only one model can be
    /// meant. Remote models do not stand in for local ones of the same name.
    fn named(&self, name: &str) -> impl Iterator<Item = &Offer> + Clone {
        let is_one_model = |offers: &&Vec<Offer>| {
            offers.iter().all(|offer| canonical(&offer.name) == canonical(&offers[0].name))
        };
        let found = self.exact.get(canonical(name));
        let found = found.or_else(|| self.folded.get(&folded(name)).filter(is_one_model));
        let offers = found.into_iter().flatten();
        let is_local = offers.clone().any(|offer| !offer.is_remote);
        offers.filter(move |offer| !(is_local && offer.is_remote))
    }

    /// The number of upstreams that have a model of this name.
    pub(super) fn providers(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// This name as it appears in the model list.
    pub(super) fn listed_name(&self, name: &str) -> Option<&str> {
        let name = canonical(&self.named(name).next()?.name);
        self.exact.get(name)?.iter().map(|offer| &*offer.name).min()
    }

    /// The name of the queue for a model: requests for one model wait in one queue, whatever spelling they use.
    pub(super) fn queue_name<'a>(&'a self, name: &'a str) -> &'a str {
        canonical(self.listed_name(name).unwrap_or(name))
    }

    /// Whether an upstream has reported its models, and none has, or recently had, a model that would serve a request for this name.
    pub(super) fn is_unknown(&self, name: &str, fallback: AliasFallback) -> bool {
        let mut candidates = Vec::new();
        let query = ModelQuery { name: name.to_owned(), ..ModelQuery::default() };
        self.candidates(&query, &[], fallback, &mut candidates);
        candidates.iter().all(|candidate| candidate.unavailable == Some(Unavailable::Withdrawn))
            && self.entries.values().any(|entry| entry.has_listed)
            && !self.departed.had(name, Instant::now())
    }

    /// Lists the upstreams that have the model, exact names before aliases.
    pub(super) fn candidates(
        &self,
        query: &ModelQuery,
        tried: &[UpstreamId],
        fallback: AliasFallback,
        into: &mut Vec<Candidate>,
    ) {
        into.clear();
        let now = Instant::now();
        if query.any_model {
            self.all_candidates(query, tried, now, into);
            return;
        }
        let exact = self.named(&query.name);
        into.extend(exact.clone().map(|offer| self.candidate(offer, NameMatch::Exact, tried, now)));
        let name = exact.map(|offer| canonical(&offer.name)).next().unwrap_or(canonical(&query.name));
        let alias = alias_key(&query.name).filter(|_| fallback != AliasFallback::Off);
        let alias = alias.and_then(|key| self.alias.get(&key)).into_iter().flatten();
        let others = alias.filter(|offer| canonical(&offer.name) != name);
        into.extend(others.map(|offer| self.candidate(offer, NameMatch::Alias, tried, now)));
        if let Some(only) = &query.only {
            into.retain(|candidate| self.entries[&candidate.upstream].identity.id == *only);
        }
    }

    /// Lists all upstreams for a request that names no model, in order of arrival.
    fn all_candidates(
        &self,
        query: &ModelQuery,
        tried: &[UpstreamId],
        now: Instant,
        into: &mut Vec<Candidate>,
    ) {
        let is_asked = |entry: &Entry| query.only.as_ref().is_none_or(|only| entry.identity.id == *only);
        let asked = self.entries.iter().filter(|(_, entry)| is_asked(entry));
        let name: Arc<str> = query.name.as_str().into();
        into.extend(asked.map(|(id, entry)| {
            let offer = Offer {
                upstream: *id,
                name: name.clone(),
                is_loaded: false,
                is_remote: false,
                context: None,
            };
            let is_preferred = query.preferred.as_ref() == Some(&entry.identity.id);
            Candidate { is_preferred, ..self.candidate(&offer, NameMatch::Exact, tried, now) }
        }));
        into.sort_unstable_by_key(|candidate| candidate.upstream);
    }

    fn candidate(
        &self,
        offer: &Offer,
        name_match: NameMatch,
        tried: &[UpstreamId],
        now: Instant,
    ) -> Candidate {
        let entry = &self.entries[&offer.upstream];
        let capacity = entry.capacity();
        let unavailable = if entry.withdrawn.contains(&*offer.name) {
            Some(Unavailable::Withdrawn)
        } else if tried.contains(&offer.upstream) {
            Some(Unavailable::Tried)
        } else if !entry.is_ready() {
            Some(Unavailable::NotReady)
        } else if self.held.contains(&entry.identity.id) {
            Some(Unavailable::Held)
        } else if capacity.is_some_and(|capacity| entry.in_flight >= capacity) {
            Some(Unavailable::Busy)
        } else {
            None
        };
        Candidate {
            upstream: offer.upstream,
            name: offer.name.clone(),
            name_match,
            unavailable,
            is_preferred: false,
            is_resting: entry.rest.is_resting(now),
            in_flight: entry.in_flight,
            capacity,
            last_turn: entry.last_turn,
            is_loaded: offer.is_loaded,
        }
    }

    /// Chooses among the candidates for `query`, which are in `candidates`, and takes the slot.
    pub(super) fn pick(
        &mut self,
        query: &ModelQuery,
        tried: &[UpstreamId],
        fallback: AliasFallback,
        candidates: &mut Vec<Candidate>,
    ) -> Result<Picked, NoCandidate> {
        self.candidates(query, tried, fallback, candidates);
        let chosen = selection::choose(candidates, fallback, STRATEGY)?;
        Ok(self.take(&candidates[chosen]))
    }

    fn take(&mut self, candidate: &Candidate) -> Picked {
        self.turn += 1;
        let entry = self.entries.get_mut(&candidate.upstream).expect("candidates are of entries");
        entry.in_flight += 1;
        entry.last_turn = self.turn;
        Picked {
            id: candidate.upstream,
            identity: entry.identity.clone(),
            upstream: entry.upstream.clone(),
            model: candidate.name.clone(),
        }
    }

    /// Releases a slot. If the upstream begins to rest because of the outcome, returns its name.
    pub(super) fn release(&mut self, id: UpstreamId, outcome: SlotOutcome) -> Option<&Identity> {
        let entry = self.entries.get_mut(&id)?;
        entry.in_flight -= 1;
        entry.outcomes.record(outcome);
        entry.rest.record(outcome, Instant::now()).then_some(&*entry.identity)
    }

    /// How the requests of an upstream ended.
    pub(super) fn outcomes(&self, id: UpstreamId) -> Option<Outcomes> {
        self.entries.get(&id).map(|entry| entry.outcomes)
    }

    /// Model names with the names of the upstreams that have them, both sorted; `name` and `name:latest` are one.
    pub(super) fn models(&self) -> Vec<(String, BTreeSet<&str>)> {
        let mut models: Vec<_> = self
            .exact
            .values()
            .filter_map(|offers| {
                let name = offers.iter().map(|offer| &*offer.name).min()?.to_owned();
                let names = offers.iter().map(|offer| &*self.entries[&offer.upstream].identity.name);
                Some((name, names.collect()))
            })
            .collect();
        models.sort();
        models
    }

    /// The smallest context length that upstreams report for a model.
    pub(super) fn context(&self, name: &str) -> Option<u64> {
        self.exact.get(canonical(name))?.iter().filter_map(|offer| offer.context).min()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.entries.values().any(|entry| entry.is_ready() && !self.held.contains(&entry.identity.id))
    }

    pub(super) fn workers_besides(&self, id: &str) -> usize {
        let others = |entry: &&Entry| entry.upstream.is_worker() && entry.identity.id != id;
        self.entries.values().filter(others).count()
    }

    pub(super) fn upstreams(&self) -> impl Iterator<Item = &Upstream> {
        self.entries.values().map(|entry| &entry.upstream)
    }

    fn index(&mut self, id: UpstreamId) {
        self.unlist(id);
        let Some(entry) = self.entries.get(&id) else { return };
        let ignores_case = entry.ignores_case();
        for model in entry.report.iter().flat_map(|report| &report.models) {
            let (is_loaded, is_remote) = (model.loaded == Some(true), model.remote);
            let (name, context) = (model.name.as_str().into(), model.context);
            let offer = Offer { upstream: id, name, is_loaded, is_remote, context };
            if let Some(key) = alias_key(&model.name).filter(|_| !is_remote) {
                self.alias.entry(key).or_default().push(offer.clone());
            }
            if ignores_case {
                self.folded.entry(folded(&model.name)).or_default().push(offer.clone());
            }
            self.exact.entry(canonical(&model.name).to_owned()).or_default().push(offer);
        }
    }

    fn unlist(&mut self, id: UpstreamId) {
        for index in [&mut self.exact, &mut self.folded, &mut self.alias] {
            index.retain(|_, offers| {
                offers.retain(|offer| offer.upstream != id);
                !offers.is_empty()
            });
        }
    }

    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u32 {
        self.entries.values().map(|entry| entry.in_flight).sum()
    }
}

#[cfg(test)]
mod tests;
