//! Checks the head of a request: whether the server accepts requests, and whether the head is small enough.

use axum::body::Body;
use http::Request;
use http::request::Parts;

use crate::accounting::Trace;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::protocol::Service;

/// Bytes of a header line besides its name and value.
const HEADER_LINE: usize = 4;

/// A request whose body has not been read.
pub(super) struct Arrival {
    pub(super) service: Service,
    pub(super) head: Parts,
    pub(super) body: Body,
}

/// Records the service in the ticket, and starts or continues the trace of the request.
pub(super) fn accept(app: &App, service: Service, request: Request<Body>, ticket: &mut Ticket) -> Arrival {
    ticket.asks_at(service.path());
    let (head, body) = request.into_parts();
    let trace =
        app.tracer.as_ref().map(|tracer| Trace::begin(tracer, service.path(), &head.headers, ticket.id()));
    ticket.trace = trace.map(Box::new);
    Arrival { service, head, body }
}

/// Checks the head.
///
/// # Errors
/// 503 while draining, 431 for a head that is too large.
pub(super) fn check(app: &App, arrival: &Arrival) -> Result<(), ApiError> {
    if app.drain.is_draining() {
        return Err(ApiError::Draining);
    }
    let head = &arrival.head;
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_LINE);
    let size = lines.sum::<usize>() + head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let most = app.config.limits.max_headers;
    if size > most { Err(ApiError::HeadersTooLarge(most)) } else { Ok(()) }
}
