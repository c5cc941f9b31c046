//! The first look: does the server take requests, and is the head of a size it takes.

use axum::body::Body;
use http::Request;
use http::request::Parts;

use super::Service;
use crate::app::App;
use crate::refusal::Refusal;
use crate::ticket::Ticket;

/// Bytes a header line has besides its name and value.
const HEADER_LINE: usize = 4;

/// A request whose body has not been read.
pub(super) struct Arrival {
    pub(super) service: Service,
    pub(super) head: Parts,
    pub(super) body: Body,
}

/// Lets a request in.
///
/// # Errors
/// 503 while draining, 431 for a head that is too large.
pub(super) fn accept(
    app: &App,
    service: Service,
    request: Request<Body>,
    ticket: &mut Ticket,
) -> Result<Arrival, Refusal> {
    ticket.asks_at(service.path());
    if app.drain.is_draining() {
        return Err(Refusal::Draining);
    }
    let (head, body) = request.into_parts();
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_LINE);
    let size = lines.sum::<usize>() + head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let most = app.config.limits.max_headers;
    if size > most {
        return Err(Refusal::HeadersTooLarge(most));
    }
    Ok(Arrival { service, head, body })
}
