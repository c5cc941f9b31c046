//! Metrics on the API's own port, for whoever has a key. With a port of their own they are there alone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use llamapool_worker_core::metrics;

use crate::app::App;

/// A scrape.
pub(super) async fn scrape(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.keys.admit(&headers) {
        Ok(_) => metrics::respond(&app, &headers).await,
        Err(refusal) => refusal.response(""),
    }
}
