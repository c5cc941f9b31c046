//! Metrics on the API's own port, for whoever has a key. With a port of their own they are there alone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use llamapool_worker_core::metrics;

use crate::app::App;
use crate::http::answers::{Elsewhere, Guarded};

/// What Prometheus scrapes
///
/// In the older text format, or as OpenMetrics for who asks for that in `Accept`. `docs/metrics.md` has the series.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "State",
    responses(
        (status = 200, description = "All series.", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )),
        Guarded,
        Elsewhere,
    ),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn scrape(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.keys.admit(&headers) {
        Ok(_) => metrics::respond(&app.metrics, &headers).await,
        Err(refusal) => refusal.answer(&headers),
    }
}
