//! The log level: reading it, and changing it until the next start.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use http_body_util::{BodyExt, Limited};
use llamapool_telemetry::logs::{Level, RunningLogs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::responses::{AdminRequired, InvalidBody, NotFound, ViewerRequired};

/// Longest body that sets a level, bytes. Directives for a dozen modules have a few hundred.
const MAX_BODY: usize = 4 * 1024;

/// A log level.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogLevel {
    /// A level, or directives by module, as in the setting `log_level`.
    #[schema(example = "info")]
    pub(crate) level: String,
}

/// Get the log level
#[utoipa::path(
    get, path = "/api/log-level", operation_id = "log_level", tag = "State",
    responses((status = 200, description = "The current level.", body = LogLevel), ViewerRequired, NotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    respond(level(&app), &headers)
}

/// Set the log level
///
/// The level lasts until the server restarts or reloads its configuration.
#[utoipa::path(
    put, path = "/api/log-level", operation_id = "set_log_level", tag = "State",
    request_body = LogLevel,
    responses(
        (status = 200, description = "The new level.", body = LogLevel),
        AdminRequired, InvalidBody, NotFound,
    ),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn put(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let set = match level(&app) {
        Ok(level) => set(level, body).await,
        Err(error) => Err(error),
    };
    respond(set, &headers)
}

/// A server that is part of another program has no log level of its own.
fn level(app: &App) -> Result<&Level, ApiError> {
    app.logs
        .as_ref()
        .map(RunningLogs::level)
        .ok_or(ApiError::NotFound("This server has no log level of its own."))
}

async fn set(level: &Level, body: Body) -> Result<&Level, ApiError> {
    let unreadable = || ApiError::invalid("Send a JSON object such as {\"level\": \"debug\"}.");
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| unreadable())?.to_bytes();
    let wanted: LogLevel = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    level.set(&wanted.level).map_err(|error| ApiError::field("level", format!("{error}.")))?;
    tracing::info!(log.level = level.get(), "Log level changed through the API");
    Ok(level)
}

fn respond(level: Result<&Level, ApiError>, headers: &HeaderMap) -> Response {
    match level {
        Ok(level) => ([(CACHE_CONTROL, "no-store")], Json(LogLevel { level: level.get() })).into_response(),
        Err(error) => error.response_to(headers),
    }
}
