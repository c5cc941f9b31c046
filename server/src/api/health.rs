//! Whether the server can serve, for load balancers and people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;

use crate::app::App;

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    message: &'static str,
}

/// 200 if at least one worker is ready and the server takes requests, else 503 with what is missing.
pub(super) async fn healthz(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (code, status, message) = if app.drain.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining", "the server is about to stop")
    } else if !app.roster.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "no_worker", "no worker is ready")
    } else {
        (StatusCode::OK, "ok", "ready")
    };
    (code, Json(Health { status, message }))
}
