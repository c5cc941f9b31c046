//! The candidates of one request, from the first selection to the last attempt.

use std::time::Duration;

use super::UpstreamId;
use super::selection::Candidate;

/// The model that a request asks for, and what else determines where it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelQuery {
    /// The name as the request has it.
    pub name: String,
    /// The conversation that the request belongs to, if the client names one.
    pub session: Option<String>,
    /// The id of the only upstream that may serve the request, because it has the object that the request continues.
    pub only: Option<String>,
    /// Whether the request names no model, so that every upstream may serve it. `name` is then the one to count it under, if there is one.
    pub any_model: bool,
    /// The id of the preferred upstream, which comes first if it can take the request now.
    pub preferred: Option<String>,
}

/// The candidates for one request, and those that have been tried. [`Registry::claim`](super::Registry::claim) brings it up to date.
#[derive(Debug)]
pub struct Shortlist {
    pub(super) query: ModelQuery,
    pub(super) candidates: Vec<Candidate>,
    pub(super) tried: Vec<UpstreamId>,
    /// Time spent in the queue. The whole request has one limit for it.
    pub(super) waited: Duration,
}

impl Shortlist {
    /// The query.
    pub fn query(&self) -> &ModelQuery {
        &self.query
    }

    /// Every upstream that has the model, exact names before aliases.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Attempts so far.
    pub fn attempts(&self) -> usize {
        self.tried.len()
    }

    /// Whether a candidate could take the request, now or when a slot becomes free.
    pub fn is_any_ready(&self) -> bool {
        self.candidates.iter().any(Candidate::may_serve)
    }
}
