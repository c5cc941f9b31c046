//! The life of a request: one function whose lines are the stages, each of which is a file in this folder.
//!
//! accept → authenticate → limit → read → route → dispatch → stream, and account when the ticket is dropped. Each stage takes what the former
//! one gives, so none can be left out. All that can be decided without the body is decided before it is read: strangers do not get to fill our
//! memory.

mod accept;
mod dialect;
mod dispatch;
mod limit;
mod read;
mod route;
mod stream;

use axum::body::Body;
use axum::response::Response;
use http::Request;

pub use dialect::Service;
#[cfg(fuzzing)]
pub use read::fuzzing;

use crate::accounting::ticket::{Outcome, Ticket};
use crate::app::App;
use crate::http::error::ApiError;

/// Serves one request to a path that carries a model.
pub async fn serve(app: &App, service: Service, request: Request<Body>) -> Response {
    let mut ticket = app.open_ticket(request.headers());
    let live = ticket.live.clone();
    let staged = tokio::select! {
        biased;
        staged = stages(app, service, request, &mut ticket) => staged,
        () = std::future::poll_fn(|cx| live.poll_cancelled(cx)) => Err(ApiError::Cancelled),
    };
    match staged {
        Ok(reply) => stream::stream(app, reply, ticket),
        Err(refusal) => refuse(&refusal, ticket),
    }
}

async fn stages(
    app: &App,
    service: Service,
    request: Request<Body>,
    ticket: &mut Ticket,
) -> Result<dispatch::Reply, ApiError> {
    let arrival = accept::accept(app, service, request, ticket);
    let admitted = match admit(app, &arrival, ticket) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            read::linger(arrival).await;
            return Err(refusal);
        }
    };
    let ask = read::read(app, admitted, arrival, ticket).await?;
    let plan = route::plan(ask);
    dispatch::dispatch(app, plan, ticket).await
}

/// All that is decided over a request before its body is read.
fn admit(app: &App, arrival: &accept::Arrival, ticket: &mut Ticket) -> Result<limit::Admitted, ApiError> {
    accept::check(app, arrival)?;
    let caller = app.keys.admit(&arrival.head.headers)?;
    ticket.facts.key = caller.key.clone();
    limit::limit(app, caller)
}

/// Answers with an error and settles the ticket.
pub(crate) fn refuse(refusal: &ApiError, mut ticket: Ticket) -> Response {
    let mut response = refusal.response(ticket.id());
    response.headers_mut().insert(crate::accounting::ticket::REQUEST_ID, ticket.id.clone());
    ticket.facts.status = Some(response.status().as_u16());
    ticket.facts.outcome = match refusal {
        ApiError::Cancelled => Outcome::Cancelled,
        _ if refusal.is_failure() => Outcome::Failed(refusal.to_string()),
        _ => Outcome::Refused(refusal.code().unwrap_or(ApiError::INVALID)),
    };
    response
}
