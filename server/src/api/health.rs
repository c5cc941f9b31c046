//! Health, for load balancers and monitoring.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The health of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, `no_worker` or `draining`.
    status: &'static str,
    /// The same as a sentence.
    message: &'static str,
}

/// Get the health of the server
///
/// 200 if at least one worker is ready and the server accepts requests, else 503 with the reason.
#[utoipa::path(
    get, path = "/healthz", operation_id = "health", tag = "Health", security(()),
    responses(
        (status = 200, description = "A worker is ready.", body = Health),
        (status = 503, description = "No worker is ready (`no_worker`), or the server is shutting down (`draining`).", body = Health),
    ),
)]
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (code, status, message) = if app.drain.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining", "the server is shutting down")
    } else if !app.registry.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "no_worker", "no worker is ready")
    } else {
        (StatusCode::OK, "ok", "ready")
    };
    (code, Json(Health { status, message }))
}
