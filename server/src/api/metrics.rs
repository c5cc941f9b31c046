//! Metrics on the API's port. If the settings give metrics a port of their own, this path does not exist.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use llamapool_telemetry::metrics;

use crate::app::App;
use crate::http::responses::{OnMetricsPort, ViewerRequired};

/// Get the metrics for Prometheus
///
/// Prometheus' text format, or OpenMetrics if `Accept` asks for it. `docs/metrics.md` lists the metrics.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "State",
    responses(
        (status = 200, description = "All metrics.", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )),
        ViewerRequired,
        OnMetricsPort,
    ),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn scrape(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    metrics::respond(&app.metrics, &headers).await
}
