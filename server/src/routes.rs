//! Every path and who may use it, on one screen.

mod access;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use http::{Method, Request};

use crate::api::{files, health, join_link, log_level, metrics, models, state};
use crate::app::App;
use crate::auth::Permission::{Administer, ListModels, UseModels, ViewState};
use crate::flow;
use crate::http::dashboard;
use crate::http::error::ApiError;
use crate::http::path_param::PathParams;
use crate::http::spelling;
use crate::objects::ObjectIds;
use crate::protocol::{FILES, ObjectService, Service};
use crate::{openapi, workers};
use access::Access::{self, Needs, Public, Ticketed, Workers};

/// The prefix of the API, and the empty one that OpenAI's clients expect.
const PREFIXES: [&str; 2] = ["/api", ""];

/// The router of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes(&app).router.fallback(unknown_path).with_state(app)
}

fn routes(app: &Arc<App>) -> Routes {
    let mut routes = Routes::new(app)
        .route("/healthz", Public, get(health::healthz))
        .route("/", Public, get(dashboard::page))
        .route("/state", Public, get(dashboard::page))
        .route("/state/", Public, get(dashboard::page))
        .route("/state/{*path}", Public, get(dashboard::asset))
        .route("/api/client", Public, get(openapi::slash))
        .route("/api/client/", Public, get(openapi::page))
        .route("/api/client/{file}", Public, get(openapi::file))
        .route("/api/client/openapi.json", Public, get(openapi::description))
        .route(llamapool_tunnel::control::CONNECT_PATH, Workers, get(workers::connect))
        .route("/api/workers/join-link", Needs(Administer), get(join_link::get))
        .route("/api/state", Needs(ViewState), get(state::whole))
        .route("/api/state/models", Needs(ViewState), get(state::models))
        .route("/api/state/stream", Needs(ViewState), get(state::events))
        .route("/api/state/workers/{id}/drain", Needs(Administer), post(state::drain_worker))
        .route("/api/state/workers/{id}/undrain", Needs(Administer), post(state::undrain_worker))
        .route("/api/state/requests/{number}/cancel", Needs(Administer), post(state::cancel))
        .route("/api/state/drain", Needs(Administer), post(state::drain))
        .route("/api/log-level", Needs(ViewState), get(log_level::get))
        .route("/api/log-level", Needs(Administer), put(log_level::put));
    if app.config.metrics.addr.is_none() {
        routes = routes.route(llamapool_telemetry::metrics::PATH, Needs(ViewState), get(metrics::scrape));
    }
    for prefix in PREFIXES {
        for service in Service::ALL {
            let serve = move |State(app): State<Arc<App>>, request: Request<Body>| async move {
                flow::serve(&app, *service, request).await
            };
            let path = format!("{prefix}{}", service.path());
            routes = routes.route(&path, Ticketed(UseModels), post(serve));
            routes = routes.route(&format!("{path}/"), Ticketed(UseModels), post(serve));
        }
        for service in Service::CREATING {
            let serve = move |State(app): State<Arc<App>>, request: Request<Body>| async move {
                flow::serve(&app, *service, request).await
            };
            let path = format!("{prefix}{}", service.path());
            routes = routes.route(&path, Ticketed(UseModels), post(serve));
        }
        routes = routes.route(&format!("{prefix}{FILES}"), Needs(UseModels), get(files::list));
        for object in ObjectService::ALL {
            let path = format!("{prefix}{}", object.service.path());
            routes = routes.route(&path, Ticketed(UseModels), object_handlers(object));
        }
        routes = routes
            .route(&format!("{prefix}/v1/models"), Ticketed(ListModels), get(models::list))
            .route(&format!("{prefix}/v1/models/"), Ticketed(ListModels), get(models::list))
            .route(&format!("{prefix}/v1/models/{{*id}}"), Ticketed(ListModels), get(models::one));
    }
    routes
}

/// The handlers of a path with the id of an object.
fn object_handlers(object: &'static ObjectService) -> MethodRouter<Arc<App>> {
    let serve = move |State(app): State<Arc<App>>, ids: PathParams, mut request: Request<Body>| async move {
        request.extensions_mut().insert(ObjectIds(ids.0));
        flow::serve(&app, object.service, request).await
    };
    object.methods.iter().fold(MethodRouter::new(), |handlers, method| match *method {
        Method::GET => handlers.get(serve),
        Method::DELETE => handlers.delete(serve),
        _ => handlers.post(serve),
    })
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let mut ticket = app.open_ticket(request.headers());
    ticket.asks_at("unknown path");
    ticket.record.caller = app.keys.identify(request.headers()).ok();
    let path = request.uri().path();
    let asked = format!("{} {path}", request.method());
    flow::refuse(&ApiError::UnknownPath { asked, nearest: spelling::nearest(path) }, ticket)
}

/// The routes so far. Their paths are kept, so that a test can check that each is described.
struct Routes {
    app: Arc<App>,
    router: Router<Arc<App>>,
    paths: Vec<(String, Access)>,
}

impl Routes {
    fn new(app: &Arc<App>) -> Self {
        Self { app: app.clone(), router: Router::new(), paths: Vec::new() }
    }

    fn route(mut self, path: &str, access: Access, handlers: MethodRouter<Arc<App>>) -> Self {
        self.router = self.router.route(path, access.guard(&self.app, handlers));
        self.paths.push((path.to_owned(), access));
        self
    }
}

#[cfg(test)]
mod tests;
