//! The status page and controls on this machine, for the desktop app, scripts and `curl`. Loopback only; controls require the token that is stored
//! next to the configuration. Paths and JSON names are those of older workers. `docs/worker-status.md` describes them.

mod caller;
mod changes;
mod proof;
mod view;

use proof::control_proof;
pub use proof::is_control_proof;
pub use view::StatusPage;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router, middleware};
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::status::StatusPublisher;
use super::{Shared, WorkerHandle};
use llamapool_settings::paths::Token;
use llamapool_settings::{DrainTimeout, build};
use llamapool_telemetry::logs::{Level, LevelError};
use llamapool_telemetry::metrics;

/// Largest body of a control, bytes: directives for a few dozen modules.
const MAX_BODY: usize = 4 * 1024;

/// The local server, bound but not yet serving.
pub(super) struct Local {
    listener: TcpListener,
    router: Router,
}

#[derive(Clone)]
struct ApiState {
    publisher: StatusPublisher,
    handle: WorkerHandle,
    drain_timeout: DrainTimeout,
    level: Option<Level>,
    token: Arc<SecretString>,
    port: u16,
}

impl Local {
    pub(super) async fn bind(
        addr: SocketAddr,
        shared: &Shared,
        token: Token,
        level: Option<Level>,
    ) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(addr).await.with_context(|| format!("listen on status_addr {addr}"))?;
        let addr = listener.local_addr()?;
        tracing::info!("Status on http://{addr}, control token in {}", token.path.display());
        let api = ApiState {
            publisher: shared.publisher.clone(),
            handle: shared.handle.clone(),
            drain_timeout: shared.config.drain_timeout,
            level,
            token: Arc::new(token.secret),
            port: addr.port(),
        };
        Ok(Self { listener, router: router(api) })
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(self) {
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(self.listener, service).await {
            tracing::error!("The status and control API failed: {error}");
        }
    }
}

async fn scrape(State(api): State<ApiState>, headers: HeaderMap) -> Response {
    metrics::respond(&api.publisher, &headers).await
}

/// The routes. Every caller is checked first, and callers of the controls once more.
fn router(api: ApiState) -> Router {
    let controls = Router::new()
        .route("/control/drain", post(drain))
        .route("/control/undrain", post(undrain))
        .route("/control/shutdown", post(shutdown))
        .route("/control/log-level", put(log_level))
        .route_layer(DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn_with_state(api.clone(), caller::authorize));
    Router::new()
        .route("/status", get(status))
        .route("/version", get(version))
        .route(metrics::PATH, get(scrape))
        .route("/control/proof", get(prove))
        .merge(controls)
        .layer(middleware::from_fn_with_state(api.clone(), caller::is_local))
        .with_state(api)
}

#[derive(Deserialize)]
struct Challenge {
    nonce: String,
}

/// Proves to a caller that this worker knows the control token, so that the caller can send it; see [`proof`].
async fn prove(
    State(api): State<ApiState>,
    Query(challenge): Query<Challenge>,
) -> Result<String, StatusCode> {
    if !proof::is_nonce(&challenge.nonce) {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(control_proof(&api.token, api.port, &challenge.nonce))
}

async fn drain(State(api): State<ApiState>) {
    api.handle.drain();
}

async fn undrain(State(api): State<ApiState>) {
    api.handle.undrain();
}

async fn shutdown(State(api): State<ApiState>) {
    api.handle.shutdown(api.drain_timeout);
}

#[derive(Deserialize)]
struct WantedLevel {
    level: String,
}

/// Sets the log level until the worker ends: a level or directives, as plain text or as `{"level": "debug"}`.
async fn log_level(State(api): State<ApiState>, body: String) -> Result<(), (StatusCode, String)> {
    let Some(dial) = &api.level else {
        return Err((StatusCode::NOT_IMPLEMENTED, "this worker has no log level of its own\n".to_owned()));
    };
    let wanted = if body.trim_start().starts_with('{') {
        let wanted: serde_json::Result<WantedLevel> = serde_json::from_str(&body);
        wanted.map_err(|_| (StatusCode::BAD_REQUEST, "use {\"level\": \"debug\"}\n".to_owned()))?.level
    } else {
        body
    };
    dial.set(&wanted).map_err(|error| {
        let status = match error {
            LevelError::Unreadable => StatusCode::BAD_REQUEST,
            LevelError::Ended => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{error}\n"))
    })?;
    tracing::info!("Log level set to {} until the worker ends", dial.get());
    Ok(())
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
    build_sha: &'static str,
    build_date: &'static str,
}

async fn version() -> Json<Version> {
    Json(Version { version: build::VERSION, build_sha: build::SHA, build_date: build::DATE })
}

/// Immediately, or after a change, for callers that wait for one; see [`changes`].
async fn status(State(api): State<ApiState>, headers: HeaderMap) -> Response {
    match changes::next(&api.publisher, &headers).await {
        Some((status, tag)) => ([(ETAG, tag)], Json(status)).into_response(),
        None => StatusCode::NOT_MODIFIED.into_response(),
    }
}

#[cfg(test)]
mod tests;
