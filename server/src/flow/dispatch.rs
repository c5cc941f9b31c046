//! Sends the request to its candidates, one after the other, until the first byte of a reply is there. The client does not see what happens before
//! that byte; after it no other candidate is tried.

mod attempt;

use std::sync::Arc;

use tokio::time::Instant;

pub(super) use attempt::Reply;

use super::route::Plan;
use crate::accounting::Trace;
use crate::accounting::in_flight::Progress;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::pool::{NoSlot, Shortlist, SlotPermit};
use crate::upstream::{Fault, FaultKind, Identity};
use attempt::{AttemptError, attempt};

/// An attempt that another candidate may take over.
struct FailedAttempt {
    upstream: Arc<Identity>,
    /// The model's name there.
    model: String,
    error: AttemptError,
}

/// Gets a reply.
///
/// # Errors
/// 404, 503, 502 and 504. If upstreams declined the request, the reply is the last one's own.
pub(super) async fn dispatch(app: &App, plan: Plan, ticket: &mut Ticket) -> Result<Reply, ApiError> {
    let Plan { ask, mut shortlist } = plan;
    let mut last: Option<FailedAttempt> = None;
    loop {
        let permit = match claim(app, &mut shortlist, ticket).await {
            Ok(permit) => permit,
            Err(no_slot) => return give_up(no_slot, last, &ask.model.name),
        };
        if let Some(failed) = last.take() {
            app.ledger.failed_over(&failed.upstream.id, &failed.model, &failed.error.to_string());
        }
        ticket.is_at(permit.identity(), permit.model());
        ticket.record.failovers = shortlist.attempts() - 1;
        let error = match attempt(app, &ask, &permit, &mut ticket.trace).await {
            Ok(reply) => {
                ticket.trace.iter_mut().for_each(|trace| trace.answered(permit.model()));
                ticket.claim = Some(permit);
                ticket.record.first_byte = Some(ticket.age());
                return Ok(reply);
            }
            Err(error) => error,
        };
        tracing::debug!(
            request.id = ticket.id(),
            request.caller = ?ask.caller,
            request.stream = ask.stream,
            trace.id = ticket.trace.as_deref().map(Trace::id),
            "{} failed a request: {error}",
            permit.identity().name
        );
        let (upstream, model) = (permit.identity().clone(), permit.model().to_owned());
        permit.settle(error.outcome());
        match error {
            AttemptError::Fault(fault) if !fault.retry => return Err(api_error(fault, &ask.model.name)),
            error => last = Some(FailedAttempt { upstream, model, error }),
        }
    }
}

/// Claims a slot of the next candidate, or waits for one.
async fn claim(app: &App, shortlist: &mut Shortlist, ticket: &mut Ticket) -> Result<SlotPermit, NoSlot> {
    let asked = Instant::now();
    ticket.in_flight.reached(Progress::Queued);
    let name = shortlist.query().name.clone();
    let (trace, served_as) = (&mut ticket.trace, &mut ticket.record.served_as);
    let on_wait = |waiting| {
        app.ledger.queued(waiting);
        *served_as = app.registry.listed_name(&name);
        trace.iter_mut().for_each(|trace| trace.queues());
    };
    let claimed = app.registry.claim(shortlist, on_wait).await;
    ticket.record.queued += asked.elapsed();
    if claimed.is_err() && ticket.record.served_as.is_none() {
        ticket.record.served_as = app.registry.listed_name(&name);
    }
    claimed
}

/// No candidate is left: the last attempt decides what the client gets.
fn give_up(no_slot: NoSlot, last: Option<FailedAttempt>, model: &str) -> Result<Reply, ApiError> {
    match (last.map(|failed| failed.error), no_slot) {
        (Some(AttemptError::Declined(reply)), _) => Ok(*reply),
        (Some(AttemptError::Fault(fault)), _) => Err(api_error(fault, model)),
        (None, NoSlot::Unknown) => Err(ApiError::UnknownModel(model.to_owned())),
        (None, NoSlot::NobodyReady) => Err(ApiError::NoUpstreamReady(model.to_owned())),
        (None, NoSlot::Full) => Err(ApiError::QueueFull(model.to_owned())),
        (None, NoSlot::Timeout) => Err(ApiError::QueueTimeout(model.to_owned())),
    }
}

/// The error that a client gets for a fault before the first byte.
fn api_error(fault: Fault, model: &str) -> ApiError {
    match fault.kind {
        FaultKind::Full => ApiError::QueueFull(model.to_owned()),
        FaultKind::Unreachable | FaultKind::Lost => ApiError::Backend(fault.text.into_owned()),
        FaultKind::Timeout(after) => ApiError::Timeout(after),
        FaultKind::HeadTooLarge(most) => ApiError::HeadersTooLarge(most),
        FaultKind::Unsendable => ApiError::Internal,
    }
}
