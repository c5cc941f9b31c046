//! Totals of each worker since the server started, as the state shows them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::usage::Usage;

use super::record::{EndedRequest, Outcome};
use super::samples::Samples;

/// Models counted for one worker; further ones are counted in its totals only.
const MAX_MODELS: usize = 500;

/// Requests over which the percentiles of a worker's time to the first byte are taken.
const FIRST_BYTES: usize = 100;

/// The totals of one worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerTotals {
    /// Requests that it did not fail.
    pub(crate) processed: u64,
    /// Time spent on those.
    pub(crate) processing: Duration,
    /// Requests that it failed.
    pub(crate) failures: u64,
    /// The last failure, and its time.
    pub(crate) last_error: Option<(String, SystemTime)>,
    /// Tokens reported in its replies.
    pub(crate) usage: Usage,
    /// Time spent generating, over the requests whose replies report tokens.
    pub(crate) generating: Duration,
    /// Times to the first byte.
    pub(crate) first_bytes: Samples,
    /// The same by model, under the worker's names.
    pub(crate) per_model: BTreeMap<String, ModelTotals>,
}

/// The totals of one worker for one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ModelTotals {
    /// Requests that it did not fail.
    pub(crate) succeeded: u64,
    /// Requests that it failed.
    pub(crate) failed: u64,
    /// Tokens reported in its replies.
    pub(crate) usage: Usage,
}

impl WorkerTotals {
    /// A request at this worker has ended.
    pub(super) fn settle(&mut self, ended: &EndedRequest) {
        let record = &ended.record;
        let usage = ended.usage.unwrap_or_default();
        if let Some(first_byte) = record.first_byte {
            self.first_bytes.add(first_byte, FIRST_BYTES);
        }
        let failure = match &record.outcome {
            Outcome::Failed(why) => Some(why),
            _ => None,
        };
        match failure {
            Some(why) => self.failed(why, ended.ended_at),
            None => {
                self.processed += 1;
                self.processing += ended.processing;
            }
        }
        self.usage += usage;
        if usage.tokens_out > 0 {
            self.generating += ended.generating;
        }
        if let Some(model) = record.served_as.as_deref().and_then(|model| self.model(model)) {
            model.failed += u64::from(failure.is_some());
            model.succeeded += u64::from(failure.is_none());
            model.usage += usage;
        }
    }

    /// It failed a request for `model` before the first byte, and another worker takes over.
    pub(super) fn failed_over(&mut self, model: &str, why: &str) {
        self.failed(why, SystemTime::now());
        if let Some(model) = self.model(model) {
            model.failed += 1;
        }
    }

    fn failed(&mut self, why: &str, at: SystemTime) {
        self.failures += 1;
        self.last_error = Some((why.to_owned(), at));
    }

    fn model(&mut self, model: &str) -> Option<&mut ModelTotals> {
        if !self.per_model.contains_key(model) {
            if self.per_model.len() >= MAX_MODELS {
                return None;
            }
            self.per_model.insert(model.to_owned(), ModelTotals::default());
        }
        self.per_model.get_mut(model)
    }
}
