//! Totals of all requests since the server started.

use llamapool_worker_core::usage::Usage;

use super::record::{EndedRequest, OutcomeKind};

/// Totals since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Requests answered to the last byte.
    pub done: u64,
    /// Requests that a worker or runtime failed.
    pub failed: u64,
    /// Requests that this server refused.
    pub refused: u64,
    /// Requests refused before a key was seen; they are not among `refused`.
    pub blocked: u64,
    /// Requests whose client left, or that were cancelled.
    pub left: u64,
    /// Tokens reported in replies.
    pub failovers: u64,
    /// Tokens that replies report.
    pub usage: Usage,
}

impl Totals {
    /// A request has ended.
    pub(super) fn settle(&mut self, ended: &EndedRequest) {
        match ended.outcome() {
            OutcomeKind::Done => self.done += 1,
            OutcomeKind::Failed => self.failed += 1,
            OutcomeKind::Refused => self.refused += 1,
            OutcomeKind::Blocked => self.blocked += 1,
            OutcomeKind::Left | OutcomeKind::Cancelled => self.left += 1,
        }
        self.usage += ended.usage.unwrap_or_default();
    }
}
