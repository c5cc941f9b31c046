//! Every path there is, on one screen.

mod health;
mod log_level;
mod models;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::Request;

use crate::app::App;
use crate::flow::{self, Service};
use crate::refusal::Refusal;
use crate::{dashboard, hub};

/// The API's own prefix, and the one that OpenAI's clients have built in.
const PREFIXES: [&str; 2] = ["/api", ""];

/// The whole HTTP face of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(health::healthz))
        .route(llamapool_worker_core::tunnel::control::CONNECT_PATH, any(hub::connect));
    router = router
        .route("/", get(dashboard::page))
        .route("/state", get(dashboard::page))
        .route("/state/", get(dashboard::page))
        .route("/state/{*path}", get(dashboard::asset))
        .route("/api/state", get(state::whole))
        .route("/api/state/stream", get(state::events))
        .route("/api/state/workers/{id}/drain", post(state::drain_worker))
        .route("/api/state/workers/{id}/undrain", post(state::undrain_worker))
        .route("/api/state/requests/{number}/cancel", post(state::cancel))
        .route("/api/state/drain", post(state::drain))
        .route("/api/log-level", get(log_level::get).put(log_level::put));
    for prefix in PREFIXES {
        for service in Service::ALL {
            let serve = move |State(app): State<Arc<App>>, request: Request<Body>| async move {
                flow::serve(&app, *service, request).await
            };
            let path = format!("{prefix}{}", service.path());
            router = router.route(&format!("{path}/"), post(serve)).route(&path, post(serve));
        }
        router = router
            .route(&format!("{prefix}/v1/models"), get(models::list))
            .route(&format!("{prefix}/v1/models/"), get(models::list))
            .route(&format!("{prefix}/v1/models/{{*id}}"), get(models::one));
    }
    router.fallback(unknown_path).with_state(app)
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let mut ticket = app.open_ticket(request.headers());
    ticket.asks_at("unknown path");
    let asked = format!("{} {}", request.method(), request.uri().path());
    flow::refuse(&Refusal::UnknownPath(asked), ticket)
}
