//! One ticket owns a request from its first byte in to its last byte out. It is opened at accept, collects what becomes known, travels in the
//! response body, and is accounted for once, when it is dropped: done, failed, refused, cancelled, or the client left. A request is open as long
//! as its ticket exists, and drain waits for tickets.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::HeaderValue;
use llamapool_worker_core::usage::Tail;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::in_flight::{InFlight, Progress};
use super::record::{EndedRequest, RequestRecord};
use super::trace::Trace;
use super::{Ledger, account};
use crate::pool::SlotPermit;
use crate::upstream::Identity;

/// The header that names a request in both directions, and on to the worker.
pub const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// Longest request id taken from a client; UUIDs and trace ids have 32 to 55 characters.
const MAX_REQUEST_ID: usize = 128;

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
    /// The last bytes of the reply, for the tokens that it reports.
    pub(crate) tail: Tail,
    ledger: Arc<Ledger>,
    /// The trace of the request, if requests are traced.
    pub(crate) trace: Option<Box<Trace>>,
    _open: TaskTrackerToken,
}

/// The client's own request id if it is valid, else a new one.
pub fn request_id(headers: &http::HeaderMap) -> HeaderValue {
    let theirs = headers
        .get(REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
    // A copy: the client's is a slice of the connection's buffer and would keep it alive as long as the stream.
    theirs.and_then(|id| HeaderValue::from_bytes(id).ok()).unwrap_or_else(|| {
        let mut buffer = uuid::Uuid::encode_buffer();
        let id = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        HeaderValue::from_str(id).expect("a UUID is ASCII")
    })
}

impl Ticket {
    /// Opens a ticket for the request with these headers.
    pub fn open(headers: &http::HeaderMap, ledger: Arc<Ledger>) -> Self {
        let id = request_id(headers);
        let (in_flight, open) = ledger.open(id.to_str().unwrap_or_default());
        let (record, tail) = (RequestRecord::default(), Tail::default());
        Self { id, record, in_flight, claim: None, tail, ledger, trace: None, _open: open }
    }

    /// The request id as text.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// How long the request has been open.
    pub fn age(&self) -> Duration {
        self.in_flight.opened.elapsed()
    }

    /// The request is for this path.
    pub fn asks_at(&mut self, path: &'static str) {
        self.record.path = path;
        self.in_flight.asks_at(path);
    }

    /// The request names this model.
    pub fn asks_for(&mut self, model: &str) {
        self.record.model = Some(model.to_owned());
        self.in_flight.asks_for(model);
        if let Some(trace) = &mut self.trace {
            trace.asks_for(model);
        }
    }

    /// This worker gets it now, as a request for this model of its own.
    pub fn is_at(&mut self, worker: &Arc<Identity>, model: &str) {
        self.record.served_as = Some(model.to_owned());
        self.record.worker = Some(worker.clone());
        self.record.sent_at = Some(Instant::now());
        self.in_flight.is_at(&worker.name);
        self.in_flight.reached(Progress::Waiting);
    }

    /// The reply was silent for this long.
    pub(crate) fn was_silent(&mut self, gap: Duration) {
        self.record.longest_gap = self.record.longest_gap.map(|longest| longest.max(gap));
    }

    /// A chunk of the reply passes to the client.
    pub(crate) fn pass(&mut self, chunk: &[u8]) {
        self.in_flight.pass(chunk.len());
        self.tail.pass(chunk);
    }

    /// The request as it ended. Reads the clock once, so that log, trace and ledger agree.
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
            usage: record.status.filter(|status| *status < 300).and_then(|_| self.tail.usage()),
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
    fn a_valid_request_id_is_kept_and_any_other_replaced() {
        let ledger = Arc::new(Ledger::new(Changes::default(), &[]));
        let check = |theirs: &str, kept: bool| {
            let headers =
                [(REQUEST_ID, HeaderValue::from_bytes(theirs.as_bytes()).unwrap())].into_iter().collect();
            let ticket = Ticket::open(&headers, ledger.clone());
            assert_eq!(ticket.id() == theirs, kept, "{theirs}");
            assert!(!ticket.id().is_empty());
        };
        check("req_123", true);
        check("", false);
        check("two words", false);
        check("é", false);
        check(&"x".repeat(MAX_REQUEST_ID), true);
        check(&"x".repeat(MAX_REQUEST_ID + 1), false);
        assert_eq!(ledger.open_requests(), 0, "a dropped ticket is no longer open");
    }
}
