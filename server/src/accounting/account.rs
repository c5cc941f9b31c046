//! The end of a request: one log line, the end of its trace, and its entry in the ledger. Never content.

use std::time::{Duration, SystemTime};

use super::record::{EndedRequest, RequestRecord};
use super::ticket::Ticket;
use super::trace::Trace;

/// Accounts for the request of a ticket that is being dropped.
pub(super) fn account(ticket: &mut Ticket) {
    let trace = ticket.trace.take();
    let ended = end(ticket);
    log(&ended, trace.as_deref());
    if let Some(trace) = trace {
        trace.end(&ended);
    }
    ticket.ledger.settle(ended);
}

/// Reads the clock once, so that log, trace and ledger agree, and writing one does not count as time of the others.
fn end(ticket: &mut Ticket) -> EndedRequest {
    let total = ticket.age();
    let record = std::mem::take(&mut ticket.record);
    let processing = record.sent_at.map(|sent| sent.elapsed()).unwrap_or_default();
    EndedRequest {
        id: ticket.id().to_owned(),
        number: ticket.in_flight.number,
        ended_at: SystemTime::now(),
        total,
        processing,
        generating: generating(&record, total, processing),
        bytes_out: ticket.in_flight.bytes(),
        usage: record.status.filter(|status| *status < 300).and_then(|_| ticket.tail.usage()),
        record,
    }
}

fn generating(record: &RequestRecord, total: Duration, processing: Duration) -> Duration {
    match (record.first_byte, record.longest_gap) {
        (None, _) => Duration::ZERO,
        (Some(first_byte), Some(_)) => total.saturating_sub(first_byte),
        (Some(_), None) => processing,
    }
}

fn log(ended: &EndedRequest, trace: Option<&Trace>) {
    let record = &ended.record;
    let millis = |time: Duration| time.as_millis() as u64;
    let outcome = ended.outcome().as_str();
    tracing::info!(
        request.id = ended.id,
        trace.id = trace.map(Trace::id),
        request.model = record.model,
        request.key = record.key.as_deref(),
        request.bytes = record.received,
        worker.name = record.worker.as_ref().map(|worker| &*worker.name),
        response.status = record.status,
        response.bytes = ended.bytes_out,
        tokens.input = ended.usage.map(|usage| usage.tokens_in),
        tokens.output = ended.usage.map(|usage| usage.tokens_out),
        outcome,
        reason = record.outcome.reason(),
        failovers = record.failovers,
        queue_ms = millis(record.queued),
        first_byte_ms = record.first_byte.map(millis),
        total_ms = millis(ended.total),
        "{} {outcome}",
        record.path
    );
}
