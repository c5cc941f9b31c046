//! Sends the request to its candidates, one after the other, until the first byte of a reply arrives. The client sees nothing of what happens before
//! that byte; after it, no other candidate is tried. The request's `budget` limits attempts and time.

mod attempt;
mod budget;
mod not_here;

use std::sync::Arc;

use tokio::time::Instant;

pub(super) use attempt::Reply;

use super::read::Ask;
use super::route::Plan;
use crate::accounting::Trace;
use crate::accounting::in_flight::Progress;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::objects::{ObjectScanner, Origin, Owner};
use crate::pool::{NoSlot, Shortlist, SlotOutcome, SlotPermit};
use crate::upstream::{Fault, FaultKind, Identity};
use attempt::{AttemptError, attempt};
use budget::{AttemptBudget, Verdict};

/// Most upstreams that are asked for an object with an unknown location, or to make one. Those that cannot respond immediately.
const MAX_LOOKUPS: usize = 64;

/// An attempt before its first byte: another candidate may still take over.
struct FailedAttempt {
    upstream: Arc<Identity>,
    /// The model's name there.
    model: String,
    error: AttemptError,
    /// The slot, unless the body of the reply is already complete: then it has been released.
    permit: Option<SlotPermit>,
}

/// Gets a reply.
///
/// # Errors
/// 404, 503, 502 and 504. If upstreams declined the request, the reply is the last one's own.
pub(super) async fn dispatch(app: &App, plan: Plan, ticket: &mut Ticket) -> Result<Box<Reply>, ApiError> {
    let Plan { ask, mut shortlist } = plan;
    let most = app.config.routing.max_attempts;
    let lookups = if ask.names_model { most } else { MAX_LOOKUPS };
    let mut budget = AttemptBudget::new(most, lookups, app.config.timeouts.first_byte);
    let mut last: Option<FailedAttempt> = None;
    loop {
        let permit = match claim(app, &mut shortlist, ticket).await {
            Ok(permit) => permit,
            Err(no_slot) => return give_up(no_slot, last, &ask.model.name, ticket),
        };
        if let Some(failed) = last.take() {
            ticket.record.failovers += usize::from(failed.hand_over(app));
        }
        ticket.is_at(permit.identity(), permit.model());
        let begun = Instant::now();
        let error = match attempt(&ask, &permit, budget.time_limit(), &mut ticket.trace).await {
            Ok(reply) => return Ok(answered(app, &ask, reply, permit, ticket)),
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
        if matches!(error, AttemptError::ModelGone(_)) {
            app.registry.withdraw(permit.upstream_id(), permit.model());
            permit.upstream().models_changed();
        }
        let verdict = budget.note(&error, begun.elapsed());
        let failed = FailedAttempt::new(error, permit);
        match verdict {
            Verdict::TryNext => last = Some(failed),
            Verdict::Stop => return last_word(failed, &ask.model.name, ticket),
            Verdict::RepeatedLoss => return Err(ApiError::RepeatedLoss(failed.error.to_string())),
        }
    }
}

impl FailedAttempt {
    /// Another candidate takes over. Returns whether that is a failover: an upstream that does not have the object has not failed.
    fn hand_over(self, app: &App) -> bool {
        let Self { upstream, model, error, permit } = self;
        let is_failover = !matches!(error, AttemptError::NotHere(_));
        if is_failover {
            let is_failure = error.outcome() == SlotOutcome::Failure;
            app.ledger.failed_over(&upstream.id, &model, is_failure.then(|| error.to_string()).as_deref());
        }
        permit.into_iter().for_each(|permit| permit.settle(error.outcome()));
        is_failover
    }

    fn new(error: AttemptError, permit: SlotPermit) -> Self {
        let (upstream, model) = (permit.identity().clone(), permit.model().to_owned());
        let permit = if error.is_whole() {
            permit.settle(error.outcome());
            None
        } else {
            Some(permit)
        };
        Self { upstream, model, error, permit }
    }
}

/// The first byte of a reply has arrived: its slot moves into the ticket.
fn answered(app: &App, ask: &Ask, reply: Box<Reply>, permit: SlotPermit, ticket: &mut Ticket) -> Box<Reply> {
    if reply.status.is_success() {
        app.objects.note_use(&ask.caller, permit.identity());
        ask.links.named.iter().for_each(|id| app.objects.found(id, permit.identity(), permit.model()));
    }
    if ask.links.is_kept && reply.status.is_success() {
        let (upstream, model) = (permit.identity().clone(), permit.model().into());
        let origin = Origin { upstream, model, owner: Owner::Key(ask.caller.key_name()) };
        let scanner = ObjectScanner::new(app.objects.clone(), origin, reply.framing.is_events());
        ticket.objects = Some(Box::new(scanner));
    }
    ticket.trace.iter_mut().for_each(|trace| trace.answered(permit.model()));
    ticket.claim = Some(permit);
    ticket.record.first_byte = Some(ticket.age());
    reply
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
fn give_up(
    no_slot: NoSlot,
    last: Option<FailedAttempt>,
    model: &str,
    ticket: &mut Ticket,
) -> Result<Box<Reply>, ApiError> {
    match (last, no_slot) {
        (Some(failed), _) => last_word(failed, model, ticket),
        (None, NoSlot::Unknown) => Err(ApiError::unknown_model(model)),
        (None, NoSlot::NobodyReady) => Err(ApiError::NoUpstreamReady(model.to_owned())),
        (None, NoSlot::Full) => Err(ApiError::QueueFull(model.to_owned())),
        (None, NoSlot::Timeout) => Err(ApiError::QueueTimeout(model.to_owned())),
    }
}

/// No other candidate is tried: the client gets the last response, or the error of its fault.
fn last_word(failed: FailedAttempt, model: &str, ticket: &mut Ticket) -> Result<Box<Reply>, ApiError> {
    match failed.error {
        AttemptError::Declined(reply) | AttemptError::ModelGone(reply) | AttemptError::NotHere(reply) => {
            ticket.claim = failed.permit;
            ticket.record.first_byte = Some(ticket.age());
            Ok(reply)
        }
        AttemptError::Fault(fault) => {
            if matches!(fault.kind, FaultKind::Refused | FaultKind::NoMemory) {
                // The upstream never started the request, so nothing is counted for it.
                ticket.record.worker = None;
            }
            Err(api_error(fault, model))
        }
    }
}

/// The error for a fault before the first byte.
fn api_error(fault: Fault, model: &str) -> ApiError {
    match fault.kind {
        FaultKind::Full => ApiError::QueueFull(model.to_owned()),
        FaultKind::Refused => ApiError::NoUpstreamReady(model.to_owned()),
        FaultKind::Unreachable | FaultKind::Lost => ApiError::Backend(fault.text.into_owned()),
        FaultKind::Timeout(after) => ApiError::Timeout(after),
        FaultKind::HeadTooLarge(most) => ApiError::HeadersTooLarge(most),
        FaultKind::NoMemory => ApiError::Overloaded,
        FaultKind::Unsendable => ApiError::Internal,
    }
}
