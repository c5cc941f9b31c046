//! Upstreams and queues at one moment, for display and metrics.

use std::collections::BTreeMap;

use super::names::canonical;
use super::{UpstreamSnapshot, Waiting};

/// The registry at one moment. Queue lengths and requests in flight are consistent with each other, and reports are shared, not copied.
pub struct RegistryView {
    /// Every worker, in order of arrival, then those that left in the last ten minutes.
    pub workers: Vec<UpstreamSnapshot>,
    /// Every endpoint, in order of arrival.
    pub endpoints: Vec<UpstreamSnapshot>,
    /// The queues with requests in them, by model.
    pub waiting: Vec<Waiting>,
    /// Whether at least one upstream can serve.
    pub is_ready: bool,
}

impl RegistryView {
    /// Workers, then endpoints.
    pub fn upstreams(&self) -> impl Iterator<Item = &UpstreamSnapshot> + Clone {
        self.workers.iter().chain(&self.endpoints)
    }

    /// The names of the model list, sorted: `name` and `name:latest` are one model.
    pub fn model_names(&self) -> Vec<&str> {
        let here = self.upstreams().filter(|upstream| upstream.gone.is_none());
        let models = here.filter_map(|upstream| upstream.report.as_ref()).flat_map(|report| &report.models);
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for name in models.map(|model| &*model.name) {
            names.entry(canonical(name)).and_modify(|least| *least = name.min(least)).or_insert(name);
        }
        let mut names: Vec<_> = names.into_values().collect();
        names.sort_unstable();
        names
    }
}
