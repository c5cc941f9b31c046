//! What has changed since the previous event: in a large pool most workers and models are as they were.

use std::collections::HashMap;

use serde::Serialize;
use ts_rs::TS;

use super::{
    FinishedRequest, HistoryBin, LiveRequest, McpView, ModelView, ServerView, Snapshot, WorkerView,
    WorkersSummary,
};

/// The state as far as it is not as in the previous event.
#[derive(Debug, Serialize, TS)]
#[ts(export)]
pub struct SnapshotChanges<'a> {
    /// As in a snapshot.
    #[ts(type = "number")]
    version: u64,
    /// As in a snapshot.
    server: &'a ServerView,
    /// As in a snapshot.
    workers_summary: &'a WorkersSummary,
    /// As in a snapshot; absent if they are as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    models: Option<&'a [ModelView]>,
    /// The workers that are not as before.
    workers: Vec<&'a WorkerView>,
    /// The ids of all workers, in their order.
    worker_ids: Vec<&'a str>,
    /// As in a snapshot.
    models_cut: u32,
    /// As in a snapshot.
    mcp: &'a McpView,
    /// As in a snapshot.
    live: &'a [LiveRequest],
    /// As in an update.
    recent: &'a [FinishedRequest],
    /// As in an update.
    history: &'a [HistoryBin],
}

impl Snapshot {
    /// What has changed since `before`.
    pub(crate) fn changes_since<'a>(&'a self, before: &Self) -> SnapshotChanges<'a> {
        let known: HashMap<&str, &WorkerView> =
            before.workers.iter().map(|worker| (&*worker.id, worker)).collect();
        let is_new = |worker: &&WorkerView| known.get(&*worker.id) != Some(worker);
        SnapshotChanges {
            version: self.version,
            server: &self.server,
            workers_summary: &self.workers_summary,
            models: (self.models != before.models).then_some(&*self.models),
            workers: self.workers.iter().filter(is_new).collect(),
            worker_ids: self.workers.iter().map(|worker| &*worker.id).collect(),
            models_cut: self.models_cut,
            mcp: &self.mcp,
            live: &self.live,
            recent: &self.recent,
            history: &self.history,
        }
    }
}
