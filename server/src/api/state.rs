//! The state, whole and as it changes, and the few things that can be done about it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::refusal::Refusal;
use crate::state::{Feed, snapshot};

/// The whole state.
pub(super) async fn whole(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.keys.admit(&headers) {
        Ok(_) => ([(CACHE_CONTROL, "no-store")], Json(snapshot(&app))).into_response(),
        Err(refusal) => refusal.response(""),
    }
}

/// The state at once, and then what changes.
pub(super) async fn events(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = app.keys.admit(&headers) {
        return refusal.response("");
    }
    let events = stream::unfold(Feed::subscribe(&app), |mut reader| async move {
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

/// Keeps a worker from new requests.
pub(super) async fn drain_worker(
    app: State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(&app, &headers, || hold(&app, &id, true))
}

/// Gives a worker requests again.
pub(super) async fn undrain_worker(
    app: State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(&app, &headers, || hold(&app, &id, false))
}

/// Ends an open request.
pub(super) async fn cancel(app: State<Arc<App>>, Path(number): Path<u64>, headers: HeaderMap) -> Response {
    act(&app, &headers, || {
        let known = app.ledger.cancel(number);
        if known { Ok(()) } else { Err(Refusal::Nothing("That request is not open any more.")) }
    })
}

/// Drains the server, which then ends.
pub(super) async fn drain(app: State<Arc<App>>, headers: HeaderMap) -> Response {
    act(&app, &headers, || {
        tracing::info!("Told to drain over the API");
        app.drain.ask();
        Ok(())
    })
}

fn hold(app: &App, id: &str, hold: bool) -> Result<(), Refusal> {
    if !app.roster.hold(id, hold) {
        return Err(Refusal::Nothing("There is no such worker, or nothing to undo."));
    }
    let word = if hold { "drained" } else { "undrained" };
    tracing::info!(worker.id = id, "Worker {id} is {word} over the API");
    app.ledger.ring();
    Ok(())
}

/// What changes something asks for the key, and does not take orders from other sites: a browser says where it is.
fn act(app: &App, headers: &HeaderMap, action: impl FnOnce() -> Result<(), Refusal>) -> Response {
    let acted = app.keys.admit(headers).and_then(|_| same_origin(headers)).and_then(|()| action());
    match acted {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.response(""),
    }
}

pub(super) fn same_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let same = origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host));
    if same { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}
