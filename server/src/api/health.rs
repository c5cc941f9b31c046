//! Whether the server can serve, for load balancers and people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Whether the server can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, `no_worker` or `draining`.
    status: &'static str,
    /// The same for people.
    message: &'static str,
}

/// Whether the server can serve
///
/// 200 if at least one worker is ready and the server takes requests, else 503 with what is missing.
#[utoipa::path(
    get, path = "/healthz", operation_id = "health", tag = "Health", security(()),
    responses(
        (status = 200, description = "A worker is ready.", body = Health),
        (status = 503, description = "`no_worker` is ready, or the server is `draining`.", body = Health),
    ),
)]
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (code, status, message) = if app.drain.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining", "the server is about to stop")
    } else if !app.registry.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "no_worker", "no worker is ready")
    } else {
        (StatusCode::OK, "ok", "ready")
    };
    (code, Json(Health { status, message }))
}
