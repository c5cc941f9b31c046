//! A consistent reading of the ledger.

use std::collections::HashMap;
use std::sync::Arc;

use super::history::Bin;
use super::in_flight::InFlight;
use super::record::EndedRequest;
use super::totals::Totals;
use super::worker_totals::WorkerTotals;

/// What a reader already has. It gets only what is newer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Since {
    /// The number of the request that ended last.
    pub(crate) ended: Option<u64>,
    /// When the history was read, Unix seconds.
    pub(crate) history: u64,
}

/// The ledger at one moment. Reading it copies little: requests and workers are shared.
#[derive(Debug)]
pub(crate) struct LedgerView {
    /// Counts since the start.
    pub(crate) totals: Totals,
    /// Requests that are open, oldest first.
    pub(crate) in_flight: Vec<Arc<InFlight>>,
    /// Requests that ended, newest first.
    pub(crate) recent: Vec<Arc<EndedRequest>>,
    /// The chart's bins, oldest first.
    pub(crate) history: Vec<Bin>,
    /// The totals of each worker, by its id.
    pub(crate) workers: HashMap<Arc<str>, Arc<WorkerTotals>>,
}

impl LedgerView {
    /// The totals of one worker.
    pub(crate) fn worker(&self, id: &str) -> Arc<WorkerTotals> {
        self.workers.get(id).cloned().unwrap_or_default()
    }
}
