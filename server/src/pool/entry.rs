//! One connected upstream: its last report, and how many of its slots are in use.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_tunnel::RuntimeKind;
use llamapool_tunnel::control::{Readiness, Report};

use super::outcomes::Outcomes;
use super::rest::Rest;
use crate::upstream::{Identity, Traffic, Upstream};

/// Identifies one connection of an upstream; never used twice.
pub type UpstreamId = u64;

/// The last known state of an upstream.
#[derive(Clone)]
pub struct UpstreamSnapshot {
    /// Its name.
    pub identity: Arc<Identity>,
    /// When it connected.
    pub joined: SystemTime,
    /// When it last reported.
    pub heard: SystemTime,
    /// The round-trip time of its last PING.
    pub latency: Option<Duration>,
    /// Its last report.
    pub report: Option<Arc<Report>>,
    /// Slots in use.
    pub in_flight: u32,
    /// Whether an operator excludes it from new requests.
    pub held: bool,
    /// Bytes transferred; `None` where they are not counted.
    pub traffic: Option<Traffic>,
    /// When it left.
    pub gone: Option<SystemTime>,
}

/// A connected upstream.
pub(super) struct Entry {
    pub(super) identity: Arc<Identity>,
    pub(super) upstream: Upstream,
    pub(super) joined: SystemTime,
    pub(super) heard: SystemTime,
    pub(super) latency: Option<Duration>,
    pub(super) report: Option<Arc<Report>>,
    pub(super) in_flight: u32,
    pub(super) last_turn: u64,
    pub(super) outcomes: Outcomes,
    pub(super) rest: Rest,
    /// Whether it has reported its models. A worker cannot do that before it has found its runtime.
    pub(super) has_listed: bool,
    /// Models of its report that its runtime no longer has.
    pub(super) withdrawn: HashSet<String>,
}

impl Entry {
    pub(super) fn new(identity: Arc<Identity>, upstream: Upstream) -> Self {
        let now = SystemTime::now();
        Self {
            identity,
            upstream,
            joined: now,
            heard: now,
            latency: None,
            report: None,
            in_flight: 0,
            last_turn: 0,
            outcomes: Outcomes::default(),
            rest: Rest::default(),
            has_listed: false,
            withdrawn: HashSet::new(),
        }
    }

    /// The entry as it is now; `held` are the ids that an operator excludes from new requests.
    pub(super) fn snapshot(&self, held: &HashSet<String>) -> UpstreamSnapshot {
        UpstreamSnapshot {
            identity: self.identity.clone(),
            joined: self.joined,
            heard: self.heard,
            latency: self.latency,
            report: self.report.clone(),
            in_flight: self.in_flight,
            held: held.contains(&self.identity.id),
            traffic: self.upstream.traffic(),
            gone: None,
        }
    }

    /// Whether it can serve.
    pub(super) fn is_ready(&self) -> bool {
        self.capacity() != Some(0)
            && self.report.as_ref().is_some_and(|report| report.state == Readiness::Ready)
            && !self.upstream.is_closed()
    }

    /// Whether its runtime ignores the case of a model's name.
    pub(super) fn ignores_case(&self) -> bool {
        self.report.as_ref().is_some_and(|report| report.runtime == Some(RuntimeKind::Ollama))
    }

    /// Number of slots; `None` if no limit is known. Endpoints do not report one.
    pub(super) fn capacity(&self) -> Option<u32> {
        match &self.upstream {
            Upstream::Worker(_) => Some(self.report.as_ref().map_or(0, |report| report.capacity)),
            Upstream::Endpoint(_) => None,
        }
    }
}
