//! The state: as a whole, as a stream of changes, and the actions on it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::path_param::PathParam;
use crate::http::responses::{AdminRequired, BadPathParam, BadQuery, Event, NotFound, ViewerRequired};
use crate::state::Detail;
use crate::state::offers::{self, Cursor, OfferPage};
use crate::state::view::Snapshot;

/// Get the state
#[utoipa::path(
    get, path = "/api/state", operation_id = "state", tag = "State",
    responses((status = 200, description = "The current state.", body = Snapshot), ViewerRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn whole(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], Body::from(app.feed.json()))
        .into_response()
}

/// Maximum and default number of models on a page of [`models`].
const MAX_PAGE: usize = 1_000;
const PAGE: usize = 500;

/// The query of [`models`].
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Only the models of the worker with this id.
    worker: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Models of a page, 500 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// List the models of workers
///
/// Page by page. The state itself shows at most 4,000 models of all workers together.
#[utoipa::path(
    get, path = "/api/state/models", operation_id = "state_models", tag = "State", params(PageQuery),
    responses((status = 200, description = "A page.", body = OfferPage), BadQuery, ViewerRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn models(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Response {
    match page(&app, query) {
        Ok(page) => ([(CACHE_CONTROL, "no-store")], Json(page)).into_response(),
        Err(error) => error.response_to(&headers),
    }
}

fn page(app: &App, query: Result<Query<PageQuery>, QueryRejection>) -> Result<OfferPage, ApiError> {
    let Query(PageQuery { worker, cursor, limit }) =
        query.map_err(|_| ApiError::invalid("A query parameter is invalid."))?;
    let cursor = match cursor {
        Some(text) => {
            let cursor = Cursor::parse(&text);
            Some(cursor.ok_or_else(|| ApiError::field("cursor", "`cursor` is not the `next` of a page."))?)
        }
        None => None,
    };
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ApiError::field("limit", format!("`limit` must be 1 to {MAX_PAGE}.")));
    }
    Ok(offers::page(&app.registry.view(), worker.as_deref(), cursor.as_ref(), limit))
}

/// What the stream of the state has.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// `changes`: updates have only what has changed.
    #[param(inline)]
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Only {
    Changes,
}

/// Stream the state
///
/// Server-sent events: first `snapshot` with the whole state, then an `update` for each change, with the same fields, but only new entries in `recent`
/// and `history`. At most four events per second, and at least one every 15 seconds. A client that reads too slowly gets a new `snapshot`.
///
/// With `only=changes`, an `update` may have `worker_ids`, the ids of all workers in their order: then `workers` has only those that have changed since
/// the previous event, and `models` is absent if nothing in it has changed.
#[utoipa::path(
    get, path = "/api/state/stream", operation_id = "state_stream", tag = "State", params(StreamQuery),
    responses((status = 200, description = "Events.", content_type = "text/event-stream", body = Event), BadQuery, ViewerRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<StreamQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(StreamQuery { only })) = query else {
        return ApiError::field("only", "`only` must be `changes`.").response_to(&headers);
    };
    let detail = only.map_or(Detail::Everything, |Only::Changes| Detail::Changes);
    let events = stream::unfold(app.feed.subscribe(detail), |mut reader| async move {
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

/// Drain a worker
#[utoipa::path(
    post, path = "/api/state/workers/{id}/drain", operation_id = "drain_worker", tag = "State",
    params(("id" = String, Path, description = "The worker's id, as in the state.")),
    responses((status = 204, description = "The worker gets no new requests, and finishes its open ones."), AdminRequired, BadPathParam, NotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn drain_worker(
    app: State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    respond(hold(&app, &id, true), &headers)
}

/// Undrain a worker
#[utoipa::path(
    post, path = "/api/state/workers/{id}/undrain", operation_id = "undrain_worker", tag = "State",
    params(("id" = String, Path, description = "The worker's id, as in the state.")),
    responses((status = 204, description = "The worker gets new requests again."), AdminRequired, BadPathParam, NotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn undrain_worker(
    app: State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    respond(hold(&app, &id, false), &headers)
}

/// Cancel a request
#[utoipa::path(
    post, path = "/api/state/requests/{number}/cancel", operation_id = "cancel_request", tag = "State",
    params(("number" = u64, Path, description = "The request's number, as in the state.")),
    responses((status = 204, description = "The client gets an error, and the worker stops."), AdminRequired, BadPathParam, NotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn cancel(
    app: State<Arc<App>>,
    PathParam(number): PathParam<u64>,
    headers: HeaderMap,
) -> Response {
    let is_open = app.ledger.cancel(number);
    respond(is_open.then_some(()).ok_or(ApiError::NotFound("This request is no longer open.")), &headers)
}

/// Drain and stop the server
#[utoipa::path(
    post, path = "/api/state/drain", operation_id = "drain_server", tag = "State",
    responses((status = 204, description = "The server accepts no new requests, and stops when the open ones are done."), AdminRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn drain(State(app): State<Arc<App>>) -> StatusCode {
    tracing::info!("Drain requested through the API");
    app.drain.ask();
    StatusCode::NO_CONTENT
}

fn hold(app: &App, id: &str, hold: bool) -> Result<(), ApiError> {
    if !app.registry.hold(id, hold) {
        return Err(ApiError::NotFound("There is no worker with this id, or it is not drained."));
    }
    let action = if hold { "drained" } else { "undrained" };
    tracing::info!(worker.id = id, "Worker {id} was {action} through the API");
    Ok(())
}

fn respond(result: Result<(), ApiError>, headers: &HeaderMap) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.response_to(headers),
    }
}
