//! The status page and controls on this machine, for the desktop app, scripts and `curl`. Loopback only; controls need the token that is kept beside
//! the configuration. Paths and JSON names are those of the older workers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use super::status::{Board, Connection, Readiness, Status};
use super::{Shared, Steer};
use crate::paths::Token;
use crate::settings::{DrainTimeout, build};

/// Carries the control token.
const TOKEN_HEADER: &str = "x-auth-token";

/// What `last_heartbeat` says before the first: the zero time of the language the older workers were written in.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The local server, bound but not yet serving.
pub(super) struct Local {
    listener: TcpListener,
    router: Router,
}

#[derive(Clone)]
struct Desk {
    board: Board,
    steer: Steer,
    drain_timeout: DrainTimeout,
    token: Arc<SecretString>,
}

impl Local {
    pub(super) async fn bind(addr: SocketAddr, shared: &Shared, token: Token) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(addr).await.with_context(|| format!("listen on status_addr {addr}"))?;
        let addr = listener.local_addr()?;
        tracing::info!("Status on http://{addr}, its token in {}", token.path.display());
        let desk = Desk {
            board: shared.board.clone(),
            steer: shared.steer.clone(),
            drain_timeout: shared.config.drain_timeout,
            token: Arc::new(token.secret),
        };
        let controls = Router::new()
            .route("/control/drain", post(drain))
            .route("/control/undrain", post(undrain))
            .route("/control/shutdown", post(shutdown))
            .route_layer(middleware::from_fn_with_state(desk.clone(), authorize));
        let router =
            Router::new().route("/status", get(status)).route("/version", get(version)).merge(controls);
        Ok(Self { listener, router: router.with_state(desk) })
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(self) {
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(self.listener, service).await {
            tracing::error!("The status page ended: {error}");
        }
    }
}

async fn authorize(State(desk): State<Desk>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if !peer.is_some_and(|ConnectInfo(peer)| peer.ip().is_loopback()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let given = headers.get(TOKEN_HEADER).map_or(&[][..], |token| token.as_bytes());
    if !bool::from(desk.token.expose_secret().as_bytes().ct_eq(given)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

async fn drain(State(desk): State<Desk>) {
    desk.steer.drain();
}

async fn undrain(State(desk): State<Desk>) {
    desk.steer.undrain();
}

async fn shutdown(State(desk): State<Desk>) {
    desk.steer.shutdown(desk.drain_timeout);
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

/// The status as JSON.
#[derive(Serialize)]
struct StatusView {
    state: &'static str,
    connected_to_server: bool,
    connected_to_backend: bool,
    current_jobs: u32,
    max_concurrency: u32,
    models: Vec<String>,
    last_error: String,
    last_heartbeat: String,
    worker_id: String,
    worker_name: String,
    version: &'static str,
    server_url: String,
    backend_family: String,
    backend_version: Option<String>,
    /// Seconds until the next try to connect.
    reconnect_in_s: Option<u64>,
}

async fn status(State(desk): State<Desk>) -> Json<StatusView> {
    let jobs = desk.board.ledger().running();
    Json(view(desk.board.now(), jobs))
}

fn view(status: Status, jobs: u32) -> StatusView {
    let reconnect_in_s = match status.connection {
        Connection::Waiting { until, .. } => {
            Some(until.saturating_duration_since(tokio::time::Instant::now()).as_secs())
        }
        Connection::Connecting | Connection::Connected => None,
    };
    let last_error = status.trouble().map(|trouble| trouble.what.clone()).unwrap_or_default();
    StatusView {
        state: status.word(jobs),
        connected_to_server: status.connection == Connection::Connected,
        connected_to_backend: status.runtime == Readiness::Ready,
        current_jobs: jobs,
        max_concurrency: status.max_concurrency,
        models: status.models.into_iter().map(|model| model.name).collect(),
        last_error,
        last_heartbeat: status.last_report.map_or_else(|| NEVER.to_owned(), rfc3339),
        worker_id: status.id,
        worker_name: status.name,
        version: build::VERSION,
        server_url: status.server,
        backend_family: status.kind.to_string(),
        backend_version: status.runtime_version,
        reconnect_in_s,
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
