//! The life of a request: one function whose lines are the stages, each in a file of this folder.
//!
//! ```text
//!  accept → authenticate → limit → read → route → dispatch → stream ─┐
//!     └── the ticket is opened here      it settles when dropped: account
//! ```
//!
//! | stage | takes | gives | may refuse with |
//! |---|---|---|---|
//! | `accept` | the HTTP request | an `Arrival`: its head is checked, its body still unread | 431, 503 |
//! | authenticate | the headers | the [`Caller`](crate::auth::Caller), who may use models | 401, 403 |
//! | `limit` | the caller | `Admitted`: a share of the memory for bodies | 503 |
//! | `read` | the body | an `Ask`: API, model, stream?, session, body | 400, 408, 413, 415, 503 |
//! | `route` | the ask | a `Plan`: the candidates that have the model | 404, 503 |
//! | `dispatch` | the plan | a `Reply` whose first byte is there; tries other candidates until then | 502, 503, 504 |
//! | `promise` | a stream that is late | the head of the stream, and comments until there is a reply | an error inside the stream |
//! | `stream` | the reply | the response, with the ticket inside its body | an error inside the stream |
//!
//! Each stage takes what the one before it gives, so none can be left out. Everything that can be decided from the head is decided before the body
//! is read: a stranger cannot fill the server's memory. The last stage, account, is in [`accounting`](crate::accounting).

mod accept;
mod dispatch;
mod limit;
mod promise;
mod read;
mod route;
mod stream;

use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;

#[cfg(fuzzing)]
pub use read::fuzzing;

use crate::accounting::in_flight::InFlight;
use crate::accounting::record::{Outcome, RequestRecord};
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::auth::Permission;
use crate::http::error::ApiError;
use crate::protocol::Service;
use promise::Dispatched;

/// Serves one request to a path that is relayed to an upstream.
pub async fn serve(app: &Arc<App>, service: Service, request: Request<Body>) -> Response {
    let mut ticket = app.open_ticket(request.headers());
    let in_flight = ticket.in_flight.clone();
    let plan = {
        let until_plan = pin!(stages(app, service, request, &mut ticket));
        until_cancelled(&in_flight, until_plan).await
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return refuse(&error, ticket),
    };
    match promise::dispatch(app, plan, ticket).await {
        Dispatched::InTime(Ok(reply), ticket) => stream::stream(app, reply, ticket),
        Dispatched::InTime(Err(error), ticket) => refuse(&error, ticket),
        Dispatched::Late(promise) => promise.respond(),
    }
}

/// The stages until the request may be sent.
async fn stages(
    app: &App,
    service: Service,
    request: Request<Body>,
    ticket: &mut Ticket,
) -> Result<route::Plan, ApiError> {
    let arrival = accept::accept(app, service, request, ticket);
    let admitted = admit(app, &arrival, ticket)?;
    let ask = read::read(app, admitted, arrival, ticket).await?;
    route::route(app, ask, ticket)
}

/// Runs stages until an operator cancels the request. The caller pins them, because their future has kilobytes, which would be copied here.
async fn until_cancelled<T>(
    in_flight: &InFlight,
    stages: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
) -> Result<T, ApiError> {
    tokio::select! {
        biased;
        done = stages => done,
        () = std::future::poll_fn(|cx| in_flight.poll_cancelled(cx)) => Err(ApiError::Cancelled),
    }
}

/// The stages that need the head only.
fn admit(app: &App, arrival: &accept::Arrival, ticket: &mut Ticket) -> Result<limit::Admitted, ApiError> {
    let caller = app.keys.identify(&arrival.head.headers);
    ticket.record.caller = caller.as_ref().ok().cloned(); // first: a request without a caller counts as blocked, whatever the reason
    accept::check(app, arrival)?;
    let caller = caller?;
    caller.require(Permission::UseModels)?;
    limit::limit(app, caller)
}

/// Responds with an error and settles the ticket. A request without a known caller is blocked: it is only counted.
pub(crate) fn refuse(error: &ApiError, mut ticket: Box<Ticket>) -> Response {
    let mut response = error.response(ticket.id());
    response.headers_mut().insert(REQUEST_ID, ticket.id.clone());
    ticket.record.status = Some(response.status().as_u16());
    ticket.record.outcome = outcome(error, &ticket.record);
    response
}

/// The outcome of a request that gets this error.
fn outcome(error: &ApiError, record: &RequestRecord) -> Outcome {
    match error {
        ApiError::Cancelled => Outcome::Cancelled,
        _ if error.is_failure() => Outcome::Failed(error.to_string()),
        _ if record.caller.is_none() => Outcome::Blocked(error.code().unwrap_or(ApiError::INVALID)),
        _ => Outcome::Refused(error.code().unwrap_or(ApiError::INVALID)),
    }
}
