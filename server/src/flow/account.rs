//! The end of a request: one log line. Never content.

use crate::ticket::{Outcome, Ticket};

/// Settles a ticket: writes down what became of the request.
pub(crate) fn settle(ticket: &Ticket) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let facts = &ticket.facts;
    let (outcome, reason) = match &facts.outcome {
        Outcome::Done => ("done", None),
        Outcome::Left => ("left", None),
        Outcome::Refused(reason) => ("refused", Some(reason.as_str())),
        Outcome::Failed(reason) => ("failed", Some(reason.as_str())),
    };
    tracing::info!(
        request.id = ticket.id(),
        request.model = facts.model,
        request.key = facts.key,
        request.bytes = facts.received,
        worker.name = facts.worker,
        response.status = facts.status,
        response.bytes = facts.sent,
        outcome,
        reason,
        failovers = facts.failovers,
        queue_ms = facts.queued.as_millis() as u64,
        first_byte_ms = facts.first_byte.map(|wait| wait.as_millis() as u64),
        total_ms = ticket.age().as_millis() as u64,
        "{} {outcome}",
        facts.path
    );
}
