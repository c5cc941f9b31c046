//! The state, whole and as it changes, and the few things that can be done about it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::http::answers::{Event, Guarded, Malformed, Missing};
use crate::http::error::ApiError;
use crate::http::origin_guard::check_write;
use crate::http::path_param::PathParam;
use crate::state::snapshot;
use crate::state::view::Snapshot;

/// The whole state
#[utoipa::path(
    get, path = "/api/state", operation_id = "state", tag = "State",
    responses((status = 200, description = "The state at this moment.", body = Snapshot), Guarded),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn whole(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.keys.admit(&headers) {
        Ok(_) => ([(CACHE_CONTROL, "no-store")], Json(snapshot(&app.sources))).into_response(),
        Err(refusal) => refusal.answer(&headers),
    }
}

/// The state at once, and then what changes
///
/// Server-sent events without an end: `snapshot` with the whole state, then `update` with the same fields, where `recent` and `history` have only
/// what is new. At most four a second, and at least one every 15 seconds. Who reads too slowly gets a new `snapshot`.
#[utoipa::path(
    get, path = "/api/state/stream", operation_id = "state_stream", tag = "State",
    responses((status = 200, description = "Events.", content_type = "text/event-stream", body = Event), Guarded),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn events(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = app.keys.admit(&headers) {
        return refusal.answer(&headers);
    }
    let events = stream::unfold(app.feed.subscribe(), |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
        (http::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// Keep a worker from new requests
#[utoipa::path(
    post, path = "/api/state/workers/{id}/drain", operation_id = "drain_worker", tag = "State",
    params(("id" = String, Path, description = "The worker's id, as the state has it.")),
    responses((status = 204, description = "It gets no new requests, and finishes what it has."), Guarded, Malformed, Missing),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn drain_worker(
    app: State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    act(&app, &headers, || hold(&app, &id, true))
}

/// Give a worker requests again
#[utoipa::path(
    post, path = "/api/state/workers/{id}/undrain", operation_id = "undrain_worker", tag = "State",
    params(("id" = String, Path, description = "The worker's id, as the state has it.")),
    responses((status = 204, description = "It gets requests again."), Guarded, Malformed, Missing),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn undrain_worker(
    app: State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    act(&app, &headers, || hold(&app, &id, false))
}

/// End an open request
#[utoipa::path(
    post, path = "/api/state/requests/{number}/cancel", operation_id = "cancel_request", tag = "State",
    params(("number" = u64, Path, description = "The request's number, as the state has it.")),
    responses((status = 204, description = "Whoever sent it is told, and its worker stops."), Guarded, Malformed, Missing),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn cancel(
    app: State<Arc<App>>,
    PathParam(number): PathParam<u64>,
    headers: HeaderMap,
) -> Response {
    act(&app, &headers, || {
        let known = app.ledger.cancel(number);
        if known { Ok(()) } else { Err(ApiError::Nothing("That request is not open any more.")) }
    })
}

/// Drain the server, which then ends
#[utoipa::path(
    post, path = "/api/state/drain", operation_id = "drain_server", tag = "State",
    responses((status = 204, description = "No new request is taken; when the open ones are done, the server ends."), Guarded),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn drain(app: State<Arc<App>>, headers: HeaderMap) -> Response {
    act(&app, &headers, || {
        tracing::info!("Told to drain over the API");
        app.drain.ask();
        Ok(())
    })
}

fn hold(app: &App, id: &str, hold: bool) -> Result<(), ApiError> {
    if !app.registry.hold(id, hold) {
        return Err(ApiError::Nothing("There is no such worker, or nothing to undo."));
    }
    let word = if hold { "drained" } else { "undrained" };
    tracing::info!(worker.id = id, "Worker {id} is {word} over the API");
    Ok(())
}

/// What changes something asks for the key, and does not take orders from other sites: a browser says where it is.
fn act(app: &App, headers: &HeaderMap, action: impl FnOnce() -> Result<(), ApiError>) -> Response {
    let acted = app.keys.admit(headers).and_then(|_| check_write(app, headers)).and_then(|()| action());
    match acted {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.answer(headers),
    }
}
