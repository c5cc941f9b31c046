//! Every path there is, on one screen.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::Request;

use crate::api::{health, log_level, metrics, models, state};
use crate::app::App;
use crate::config::Config;
use crate::flow;
use crate::http::dashboard;
use crate::http::error::ApiError;
use crate::protocol::Service;
use crate::{openapi, workers};

/// The API's own prefix, and the one that OpenAI's clients have built in.
const PREFIXES: [&str; 2] = ["/api", ""];

/// Paths and who answers there. The paths are kept, so that a test can see whether each of them is described.
#[derive(Default)]
struct Routes {
    router: Router<Arc<App>>,
    paths: Vec<String>,
}

impl Routes {
    fn route(mut self, path: &str, methods: MethodRouter<Arc<App>>) -> Self {
        self.router = self.router.route(path, methods);
        self.paths.push(path.to_owned());
        self
    }
}

/// The whole HTTP face of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes(&app.config).router.fallback(unknown_path).with_state(app)
}

fn routes(config: &Config) -> Routes {
    let mut routes = Routes::default()
        .route("/healthz", get(health::healthz))
        .route(llamapool_worker_core::tunnel::control::CONNECT_PATH, get(workers::connect))
        .route("/", get(dashboard::page))
        .route("/state", get(dashboard::page))
        .route("/state/", get(dashboard::page))
        .route("/state/{*path}", get(dashboard::asset))
        .route("/api/client", get(openapi::slash))
        .route("/api/client/", get(openapi::page))
        .route("/api/client/{file}", get(openapi::file))
        .route("/api/client/openapi.json", get(openapi::description))
        .route("/api/state", get(state::whole))
        .route("/api/state/stream", get(state::events))
        .route("/api/state/workers/{id}/drain", post(state::drain_worker))
        .route("/api/state/workers/{id}/undrain", post(state::undrain_worker))
        .route("/api/state/requests/{number}/cancel", post(state::cancel))
        .route("/api/state/drain", post(state::drain))
        .route("/api/log-level", get(log_level::get).put(log_level::put));
    if config.metrics.addr.is_none() {
        routes = routes.route(llamapool_worker_core::metrics::PATH, get(metrics::scrape));
    }
    for prefix in PREFIXES {
        for service in Service::ALL {
            let serve = move |State(app): State<Arc<App>>, request: Request<Body>| async move {
                flow::serve(&app, *service, request).await
            };
            let path = format!("{prefix}{}", service.path());
            routes = routes.route(&format!("{path}/"), post(serve)).route(&path, post(serve));
        }
        routes = routes
            .route(&format!("{prefix}/v1/models"), get(models::list))
            .route(&format!("{prefix}/v1/models/"), get(models::list))
            .route(&format!("{prefix}/v1/models/{{*id}}"), get(models::one));
    }
    routes
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let mut ticket = app.open_ticket(request.headers());
    ticket.asks_at("unknown path");
    let asked = format!("{} {}", request.method(), request.uri().path());
    flow::refuse(&ApiError::UnknownPath(asked), ticket)
}

#[cfg(test)]
mod tests;
