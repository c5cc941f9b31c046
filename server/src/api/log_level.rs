//! How much is logged: to be read, and to be changed until the next start.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use http_body_util::{BodyExt, Limited};
use llamapool_worker_core::logs::Level;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answers::{Guarded, Malformed, Missing};
use crate::http::error::ApiError;
use crate::http::origin_guard::check_write;

/// Longest body that sets a level, bytes; directives for a dozen modules have some hundred.
const MAX_BODY: usize = 4 * 1024;

/// A level as it is read and set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogLevel {
    /// A level, or directives by module, as the setting `log_level` takes them.
    #[schema(example = "info")]
    pub(crate) level: String,
}

/// How much is logged
#[utoipa::path(
    get, path = "/api/log-level", operation_id = "log_level", tag = "State",
    responses((status = 200, description = "The level that counts now.", body = LogLevel), Guarded, Missing),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(app.keys.admit(&headers).and_then(|_| level(&app)), &headers)
}

/// Set how much is logged
///
/// Until the next start, or until the configuration is read again.
#[utoipa::path(
    put, path = "/api/log-level", operation_id = "set_log_level", tag = "State",
    request_body = LogLevel,
    responses(
        (status = 200, description = "The level that counts from now on.", body = LogLevel),
        Guarded, Malformed, Missing,
    ),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn put(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let allowed =
        app.keys.admit(&headers).and_then(|_| check_write(&app, &headers)).and_then(|()| level(&app));
    let set = match allowed {
        Ok(level) => set(level, body).await,
        Err(refusal) => Err(refusal),
    };
    answer(set, &headers)
}

/// A server that is part of another program may not have logs of its own.
fn level(app: &App) -> Result<&Level, ApiError> {
    app.log_level.as_ref().ok_or(ApiError::Nothing("This server has no log level of its own."))
}

async fn set(level: &Level, body: Body) -> Result<&Level, ApiError> {
    let unreadable = || ApiError::invalid("Send a JSON object such as {\"level\": \"debug\"}.");
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| unreadable())?.to_bytes();
    let wanted: LogLevel = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    level.set(&wanted.level).map_err(|error| ApiError::field("level", format!("{error}.")))?;
    tracing::info!(log.level = level.get(), "The log level is changed over the API");
    Ok(level)
}

fn answer(level: Result<&Level, ApiError>, headers: &HeaderMap) -> Response {
    match level {
        Ok(level) => ([(CACHE_CONTROL, "no-store")], Json(LogLevel { level: level.get() })).into_response(),
        Err(refusal) => refusal.answer(headers),
    }
}
