//! The end of a request: the books, and one log line. Never content.

use std::time::{Duration, SystemTime};

use crate::accounting::ledger::Settled;
use crate::accounting::ticket::{Outcome, Ticket};
use crate::state::snapshot::rfc3339;
use crate::state::view::{EndedAs, FinishedRequest};
use crate::trace::Trace;
use llamapool_worker_core::usage::Usage;

/// Settles a ticket: writes down what became of the request.
pub(crate) fn settle(ticket: &mut Ticket) {
    let trace = ticket.trace.take();
    let usage = ticket.facts.status.filter(|status| *status < 300).and_then(|_| ticket.tail.usage());
    let times = Times::until_now(ticket);
    let request = finished(ticket, &times, usage);
    log(ticket, &request, trace.as_deref());
    if let Some(trace) = trace {
        trace.end(&request, ticket.facts.key.as_deref());
    }
    let facts = &ticket.facts;
    ticket.ledger.settle(Settled {
        facts,
        age: times.total,
        processing: times.processing,
        generating: times.generating,
        usage,
        request,
    });
}

/// How long a request took, read once: the log and the books say the same, and writing one is not time of the other.
struct Times {
    total: Duration,
    /// At the worker that it was sent to last.
    processing: Duration,
    /// In which the reply was generated: from the first byte to now. A reply in one piece is generated before its first byte, so for it
    /// all its time at the worker counts.
    generating: Duration,
}

impl Times {
    fn until_now(ticket: &Ticket) -> Self {
        let facts = &ticket.facts;
        let total = ticket.age();
        let processing = facts.sent_on.map(|since| since.elapsed()).unwrap_or_default();
        let generating = match (facts.first_byte, facts.longest_gap) {
            (None, _) => Duration::ZERO,
            (Some(wait), Some(_)) => total.saturating_sub(wait),
            (Some(_), None) => processing,
        };
        Self { total, processing, generating }
    }
}

fn finished(ticket: &Ticket, times: &Times, usage: Option<Usage>) -> FinishedRequest {
    let facts = &ticket.facts;
    let (outcome, reason) = match &facts.outcome {
        Outcome::Done => (EndedAs::Done, None),
        Outcome::Left => (EndedAs::Left, None),
        Outcome::Cancelled => (EndedAs::Cancelled, None),
        Outcome::Refused(code) => (EndedAs::Refused, Some((*code).to_owned())),
        Outcome::Failed(reason) => (EndedAs::Failed, Some(reason.clone())),
    };
    let generating = times.generating.as_secs_f64();
    let tokens_out = usage.map(|usage| usage.tokens_out);
    FinishedRequest {
        id: ticket.id().to_owned(),
        number: ticket.live.number,
        path: facts.path.to_owned(),
        model: facts.model.clone(),
        worker: facts.worker.as_ref().map(|worker| worker.name.clone()),
        ended_at: rfc3339(SystemTime::now()),
        outcome,
        reason,
        status: facts.status,
        failovers: facts.failovers as u32,
        queue_ms: facts.queued.as_millis() as u64,
        first_byte_ms: facts.first_byte.map(|wait| wait.as_millis() as u64),
        total_ms: times.total.as_millis() as u64,
        bytes_in: facts.received as u64,
        bytes_out: ticket.live.bytes(),
        tokens_in: usage.map(|usage| usage.tokens_in),
        tokens_out,
        tokens_per_second: tokens_out.filter(|_| generating > 0.0).map(|tokens| tokens as f64 / generating),
    }
}

fn log(ticket: &Ticket, request: &FinishedRequest, trace: Option<&Trace>) {
    let outcome = request.outcome.word();
    tracing::info!(
        request.id = request.id,
        trace.id = trace.map(Trace::id),
        request.model = request.model,
        request.key = ticket.facts.key.as_deref(),
        request.bytes = request.bytes_in,
        worker.name = request.worker,
        response.status = request.status,
        response.bytes = request.bytes_out,
        tokens.input = request.tokens_in,
        tokens.output = request.tokens_out,
        outcome,
        reason = request.reason,
        failovers = request.failovers,
        queue_ms = request.queue_ms,
        first_byte_ms = request.first_byte_ms,
        total_ms = request.total_ms,
        "{} {outcome}",
        request.path
    );
}
