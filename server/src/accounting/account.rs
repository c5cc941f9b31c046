//! The end of a request: one log line, the end of its trace, and its entry in the ledger. None of them contains content.

use std::time::Duration;

use super::Ledger;
use super::record::{EndedRequest, OutcomeKind};
use super::trace::Trace;

/// Accounts for a request.
pub(super) fn account(ended: EndedRequest, trace: Option<Box<Trace>>, ledger: &Ledger) {
    if ended.outcome() == OutcomeKind::Blocked {
        // Strangers send many of these, and must not fill the log.
        tracing::debug!(
            request.id = ended.id,
            reason = ended.record.outcome.reason(),
            "{} blocked",
            ended.record.path
        );
    } else {
        log(&ended, trace.as_deref());
    }
    if let Some(trace) = trace {
        trace.end(&ended);
    }
    ledger.settle(ended);
}

fn log(ended: &EndedRequest, trace: Option<&Trace>) {
    let record = &ended.record;
    let millis = |time: Duration| time.as_millis() as u64;
    let outcome = ended.outcome().as_str();
    tracing::info!(
        request.id = ended.id,
        trace.id = trace.map(Trace::id),
        request.model = record.model,
        request.key = record.key_name().as_deref(),
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
