//! One ticket owns a request from its first byte in to its last byte out. It is opened at accept, collects what becomes known, travels in the
//! response body, and is accounted for once, when it is dropped: done, failed, refused, cancelled, or the client left. A request is open as long
//! as its ticket exists, and drain waits for tickets.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::HeaderValue;
use llamapool_worker_core::usage::UsageScanner;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::in_flight::{InFlight, Progress};
use super::record::{EndedRequest, RequestRecord};
use super::trace::Trace;
use super::{Ledger, account};
use crate::objects::ObjectScanner;
use crate::pool::SlotPermit;
use crate::upstream::Identity;

pub use crate::http::request_id::{REQUEST_ID, request_id};

/// An open request.
pub struct Ticket {
    /// Names the request in logs, headers and errors.
    pub id: HeaderValue,
    /// What is known of the request so far.
    pub record: RequestRecord,
    /// What is shown of the request while it is open.
    pub in_flight: Arc<InFlight>,
    /// The slot that the request holds at a worker.
    pub(crate) claim: Option<SlotPermit>,
    /// Finds the token counts in the reply.
    pub(crate) scanner: UsageScanner,
    /// Whether the reply's tokens count: an object that is only retrieved reports the tokens of an earlier request again.
    pub(crate) counts_usage: bool,
    /// Looks for the ids of objects in the reply, until it has found them.
    pub(crate) objects: Option<Box<ObjectScanner>>,
    ledger: Arc<Ledger>,
    /// The trace of the request, if it is traced.
    pub(crate) trace: Option<Box<Trace>>,
    _open: TaskTrackerToken,
}

impl Ticket {
    /// Opens a ticket for the request with these headers.
    pub fn open(headers: &http::HeaderMap, ledger: Arc<Ledger>) -> Self {
        let id = request_id(headers);
        let (in_flight, open) = ledger.open(id.to_str().unwrap_or_default());
        let (record, scanner) = (RequestRecord::default(), UsageScanner::default());
        Self {
            id,
            record,
            in_flight,
            claim: None,
            scanner,
            counts_usage: true,
            objects: None,
            ledger,
            trace: None,
            _open: open,
        }
    }

    /// The request id as text.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// How long the request has been open.
    pub fn age(&self) -> Duration {
        self.in_flight.opened.elapsed()
    }

    /// Records the path.
    pub fn asks_at(&mut self, path: &'static str) {
        self.record.path = path;
        self.in_flight.asks_at(path);
    }

    /// Records the model.
    pub fn asks_for(&mut self, model: &str) {
        self.record.model = Some(model.to_owned());
        self.in_flight.asks_for(model);
        if let Some(trace) = &mut self.trace {
            trace.asks_for(model);
        }
    }

    /// Records that this worker gets the request, as a request for this model of its own; the name is empty if the request names no model.
    pub fn is_at(&mut self, worker: &Arc<Identity>, model: &str) {
        self.record.served_as = (!model.is_empty()).then(|| model.to_owned());
        self.record.worker = Some(worker.clone());
        self.record.sent_at = Some(Instant::now());
        self.in_flight.is_at(&worker.name);
        self.in_flight.reached(Progress::Waiting);
    }

    /// Records a pause of the reply.
    pub(crate) fn was_silent(&mut self, gap: Duration) {
        self.record.longest_gap = self.record.longest_gap.map(|longest| longest.max(gap));
    }

    /// Counts a chunk of the reply on its way to the client. `look` is shown the reply in larger parts: see [`UsageScanner::pass_with`].
    pub(crate) fn pass(&mut self, chunk: &[u8], look: impl FnMut(&[u8])) {
        self.in_flight.pass(chunk.len());
        self.scanner.pass_with(chunk, look);
        self.objects.take_if(|objects| objects.pass(chunk));
    }

    /// The request as it ended. Reads the clock only once, so that log, trace and ledger agree.
    fn end(&mut self) -> EndedRequest {
        let total = self.age();
        let record = std::mem::take(&mut self.record);
        let processing = record.sent_at.map(|sent| sent.elapsed()).unwrap_or_default();
        EndedRequest {
            id: self.id().to_owned(),
            number: self.in_flight.number,
            ended_at: SystemTime::now(),
            total,
            processing,
            generating: record.generating(total, processing),
            bytes_out: self.in_flight.bytes(),
            usage: record
                .status
                .filter(|status| *status < 300 && self.counts_usage)
                .and_then(|_| self.scanner.usage()),
            record,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (ended, trace) = (self.end(), self.trace.take());
        account::account(ended, trace, &self.ledger);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Changes;

    #[test]
    fn a_dropped_ticket_is_no_longer_open() {
        let ledger = Arc::new(Ledger::new(Changes::default(), &[]));
        let ticket = Ticket::open(&http::HeaderMap::new(), ledger.clone());
        assert_eq!(ledger.open_requests(), 1);
        drop(ticket);
        assert_eq!(ledger.open_requests(), 0);
    }
}
