//! One ticket owns a request from its first byte in to its last byte out. It is opened at accept, collects what becomes known, rides in the
//! response body and settles once, when it is dropped: done, failed, refused, or the client left. What is open is counted by tickets, so
//! drain means what it says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Ledger;
use super::account;
use crate::accounting::in_flight::InFlight;
use crate::pool::SlotPermit;
use crate::state::view::RequestState;
use crate::trace::Trace;
use crate::upstream::Identity;
use llamapool_worker_core::usage::Tail;

/// The header that names a request in both directions, and on to the worker.
pub const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// Longest request id taken from a client; UUIDs and trace ids have 32 to 55 characters.
const MAX_REQUEST_ID: usize = 128;

/// An open request.
pub struct Ticket {
    /// Its name in logs, headers and errors.
    pub id: HeaderValue,
    /// What is known of it so far.
    pub facts: RequestRecord,
    /// What others see of it while it is open.
    pub live: Arc<InFlight>,
    /// The slot it holds at a worker.
    pub(crate) claim: Option<SlotPermit>,
    /// The last bytes of the reply, for the tokens it tells.
    pub(crate) tail: Tail,
    pub(crate) ledger: Arc<Ledger>,
    /// Its trace, if it has one.
    pub(crate) trace: Option<Box<Trace>>,
    _open: TaskTrackerToken,
}

/// What the account of a request says.
#[derive(Default)]
pub struct RequestRecord {
    /// The path, as its canonical form says it.
    pub path: &'static str,
    /// The model asked for.
    pub model: Option<String>,
    /// The same as its worker has it, or, before there is one, the model list; `None` if nobody has it.
    pub served_as: Option<String>,
    /// The name of the key that was used.
    pub key: Option<Arc<str>>,
    /// The worker that answered or failed it.
    pub worker: Option<Arc<Identity>>,
    /// When that worker got it.
    pub sent_on: Option<Instant>,
    /// Workers that were tried before.
    pub failovers: usize,
    /// Spent waiting for a slot.
    pub queued: Duration,
    /// From accept to the first byte of the reply.
    pub first_byte: Option<Duration>,
    /// The longest that the reply was silent for; `None` if it is no stream.
    pub longest_gap: Option<Duration>,
    /// Of the reply.
    pub status: Option<u16>,
    /// Body bytes in.
    pub received: usize,
    /// How it ended; if nobody says so, the client left.
    pub outcome: Outcome,
}

/// The client's own request id if it is sane, else a new one.
pub fn request_id(headers: &http::HeaderMap) -> HeaderValue {
    let theirs = headers
        .get(REQUEST_ID)
        .map(HeaderValue::as_bytes)
        .filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic));
    // A copy: theirs is a slice of the connection's buffer and would keep it alive as long as the stream.
    theirs.and_then(|id| HeaderValue::from_bytes(id).ok()).unwrap_or_else(|| {
        let mut buffer = uuid::Uuid::encode_buffer();
        let id = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        HeaderValue::from_str(id).expect("a UUID is ASCII")
    })
}

/// How a request ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The client went away.
    #[default]
    Left,
    /// Answered to the last byte.
    Done,
    /// Not served, for a reason told to the client by this code.
    Refused(&'static str),
    /// Not answered, or broken off in the middle, by the fault of a worker or runtime.
    Failed(String),
    /// Ended by somebody on this side.
    Cancelled,
}

impl Ticket {
    /// Opens a ticket for the request with these headers.
    pub fn open(headers: &http::HeaderMap, ledger: Arc<Ledger>, open: TaskTrackerToken) -> Self {
        let id = request_id(headers);
        let live = ledger.open(id.to_str().unwrap_or_default());
        let (facts, tail) = (RequestRecord::default(), Tail::default());
        Self { id, facts, live, claim: None, tail, ledger, trace: None, _open: open }
    }

    /// The request id as text.
    pub fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// How long it has been open.
    pub fn age(&self) -> Duration {
        self.live.opened.elapsed()
    }

    /// It is for this path.
    pub fn asks_at(&mut self, path: &'static str) {
        self.facts.path = path;
        self.live.asks_at(path);
    }

    /// It asks for this model.
    pub fn asks_for(&mut self, model: &str) {
        self.facts.model = Some(model.to_owned());
        self.live.asks_for(model);
        if let Some(trace) = &mut self.trace {
            trace.asks_for(model);
        }
    }

    /// This worker gets it now, as a request for this model of its own.
    pub fn is_at(&mut self, worker: &Arc<Identity>, model: &str) {
        self.facts.served_as = Some(model.to_owned());
        self.facts.worker = Some(worker.clone());
        self.facts.sent_on = Some(Instant::now());
        self.live.is_at(&worker.name);
        self.live.reached(RequestState::Waiting);
    }

    /// The reply was silent for so long.
    pub(crate) fn was_silent(&mut self, gap: Duration) {
        self.facts.longest_gap = self.facts.longest_gap.map(|longest| longest.max(gap));
    }

    /// A chunk of the reply passes to the client.
    pub(crate) fn pass(&mut self, chunk: &[u8]) {
        self.live.pass(chunk.len());
        self.tail.pass(chunk);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        account::settle(self);
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::*;

    #[test]
    fn a_sane_request_id_is_kept_and_any_other_replaced() {
        let open = TaskTracker::new();
        let check = |theirs: &str, kept: bool| {
            let headers =
                [(REQUEST_ID, HeaderValue::from_bytes(theirs.as_bytes()).unwrap())].into_iter().collect();
            let ticket = Ticket::open(&headers, Arc::default(), open.token());
            assert_eq!(ticket.id() == theirs, kept, "{theirs}");
            assert!(!ticket.id().is_empty());
        };
        check("req_123", true);
        check("", false);
        check("two words", false);
        check("é", false);
        check(&"x".repeat(MAX_REQUEST_ID), true);
        check(&"x".repeat(MAX_REQUEST_ID + 1), false);
        assert!(open.is_empty(), "a settled ticket is no longer open");
    }
}
