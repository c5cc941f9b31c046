//! The models of all workers, page by page, because the snapshot limits their number.

use llamapool_worker_core::runtime::Model;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::WorkerModel;
use crate::pool::{RegistryView, UpstreamSnapshot};

/// A page of the models of workers, sorted by worker and name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfferPage {
    /// A model of several workers appears once for each of them.
    models: Vec<Offer>,
    /// The `cursor` of the next page; `null` on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// A model of a worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    /// The worker's id.
    worker: String,
    #[serde(flatten)]
    model: WorkerModel,
}

/// A position between two entries: after the one with this worker and this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    worker: String,
    name: String,
}

impl Cursor {
    /// Reads what [`OfferPage`] calls `next`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (worker, name) = serde_json::from_str(text).ok()?;
        Some(Self { worker, name })
    }

    fn text(&self) -> String {
        serde_json::to_string(&(&self.worker, &self.name)).expect("two strings are JSON")
    }

    fn is_before(&self, worker: &str, name: &str) -> bool {
        (self.worker.as_str(), self.name.as_str()) < (worker, name)
    }
}

/// The page after `cursor`, with at most `limit` entries, of one worker or of all connected workers.
pub(crate) fn page(
    registry: &RegistryView,
    worker: Option<&str>,
    cursor: Option<&Cursor>,
    limit: usize,
) -> OfferPage {
    let is_asked = |upstream: &&UpstreamSnapshot| {
        let id = &*upstream.identity.id;
        upstream.gone.is_none()
            && worker.is_none_or(|wanted| wanted == id)
            && cursor.is_none_or(|cursor| *cursor.worker <= *id)
    };
    let mut workers: Vec<_> = registry.workers.iter().filter(is_asked).collect();
    workers.sort_by(|a, b| a.identity.id.cmp(&b.identity.id));
    // One more than fits, to see whether there is a next page.
    let mut offers: Vec<_> =
        workers.into_iter().flat_map(|worker| sorted(worker, cursor)).take(limit + 1).collect();
    let is_last = offers.len() <= limit;
    offers.truncate(limit);
    let last = offers.last().filter(|_| !is_last);
    OfferPage {
        next: last.map(|last| Cursor { worker: last.worker.clone(), name: last.model.name.clone() }.text()),
        models: offers,
    }
}

/// The models of a worker after the cursor, by name.
fn sorted(worker: &UpstreamSnapshot, cursor: Option<&Cursor>) -> impl Iterator<Item = Offer> {
    let id = &worker.identity.id;
    let is_behind = |model: &&Model| cursor.is_none_or(|cursor| cursor.is_before(id, &model.name));
    let models = worker.report.iter().flat_map(|report| &report.models);
    let mut models: Vec<_> = models.filter(is_behind).collect();
    models.sort_by(|a, b| a.name.cmp(&b.name));
    models.into_iter().map(|model| Offer { worker: id.clone(), model: WorkerModel::from(model) })
}
