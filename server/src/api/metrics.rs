//! Metrics on the API's own port, for whoever has a key. With a port of their own they are there alone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use llamapool_worker_core::metrics;

use crate::app::App;
use crate::openapi::{Guarded, Missing};
use crate::refusal::Refusal;

/// Metrics
///
/// For Prometheus: its text format 0.0.4, or OpenMetrics where `Accept` asks for it. 404 if they have a port of their own.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "State",
    responses(
        (status = 200, description = "Every series.", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )),
        Guarded, Missing,
    ),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn scrape(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if app.config.metrics.addr.is_some() {
        return Refusal::UnknownPath("GET /metrics".to_owned()).response("");
    }
    match app.keys.admit(&headers) {
        Ok(_) => metrics::respond(&app, &headers).await,
        Err(refusal) => refusal.response(""),
    }
}
