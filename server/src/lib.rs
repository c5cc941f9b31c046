//! The server: one OpenAI-compatible API in front of your own machines.
//!
//! ```text
//!  listen ─▶ routes ─▶ flow: accept → authenticate → limit → read → route → dispatch → stream → account
//!                                                              │         │
//!                             workers, endpoints ─▶ pool ────┘         └─▶ upstream: a worker's tunnel, or an HTTP endpoint
//! ```
//!
//! [`listen`] accepts connections, `routes` has every path, [`flow`] is the life of a request, and [`accounting`] holds its ticket, which rides in
//! the response body. `workers` is where workers connect, `endpoints` asks static endpoints for their models; the [`pool`] knows who is connected and
//! chooses who gets the next request. [`drain`] ends everything in order.

pub mod accounting;
mod api;
pub mod app;
pub mod auth;
mod body_memory;
pub mod changes;
pub mod config;
pub mod drain;
mod endpoints;
pub mod flow;
pub mod http;
pub mod listen;
mod log_limit;
mod metrics;
mod objects;
mod openapi;
pub mod pool;
pub mod protocol;
pub mod reload;
mod routes;
pub mod state;
pub mod upstream;
mod worker_ids;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use llamapool_telemetry::logs::RunningLogs;
use llamapool_telemetry::metrics::Listener as MetricsListener;
use llamapool_telemetry::tasks::{BackgroundTasks, TaskFailed};
use tokio::net::TcpListener;

use app::App;
use config::Config;
use drain::Shutdown;

/// The server's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Grace period for closing tunnels and connections after shutdown.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Grace period for sending the last traces.
const TRACES_TIMEOUT: Duration = Duration::from_secs(2);

/// The sockets that the server listens on.
#[derive(Debug)]
pub struct Listeners {
    /// The API, the dashboard and the workers.
    pub api: TcpListener,
    /// Prometheus, if metrics have their own port.
    pub metrics: Option<MetricsListener>,
}

impl Listeners {
    /// Binds the addresses in the configuration.
    ///
    /// # Errors
    /// A port is in use, or the machine does not have an address.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let metrics = match config.metrics.addr {
            Some(addr) => Some(MetricsListener::bind(addr).await?),
            None => None,
        };
        Ok(Self { api: listen::bind(&config.addresses())?, metrics })
    }
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, metrics: None }
    }
}

/// Runs the server on its listeners until it has shut down. `logs` are those of the process, if the API may change their level.
///
/// # Errors
/// A background task has panicked. The server would continue without, for example, accepting connections, so it stops at once.
pub async fn run(
    config: Config,
    listeners: impl Into<Listeners>,
    shutdown: Shutdown,
    logs: Option<RunningLogs>,
) -> Result<(), TaskFailed> {
    let Listeners { api: listener, metrics } = listeners.into();
    let drain_timeout = config.drain_timeout;
    let app = Arc::new(App::new(config, logs));
    log_access(&app, &listener);
    let _all = (app.drain.cut().clone().drop_guard(), app.drain.stopped().clone().drop_guard());
    let mut background = BackgroundTasks::default();
    endpoints::start(&app, &mut background);
    if let Some(metrics) = metrics {
        background.spawn("metrics listener", metrics.serve(app.metrics.clone()));
    }
    background.spawn("state feed", app.feed.clone().publish());
    if let Some(logs) = app.logs.clone() {
        let changes = app.sources.changes.clone();
        background.spawn("log files", logs.watch(move |_| changes.notify_changed()));
    }
    let mut front = BackgroundTasks::default();
    front.spawn("listener", listen::serve(listener, routes::router(app.clone()), app.clone()));
    tokio::select! {
        () = app.drain.run(&app.registry, &app.ledger, &shutdown, drain_timeout) => {}
        failed = background.failed() => return Err(failed),
        failed = front.failed() => return Err(failed),
    }
    app.sessions.close();
    let rest = async {
        app.sessions.wait().await;
        front.ended().await
    };
    drop(background);
    match tokio::time::timeout(CLOSE_TIMEOUT, rest).await {
        Ok(ended) => ended?,
        Err(_) => tracing::warn!("Some connections did not close in time"),
    }
    if let Some(tracer) = &app.tracer {
        let _ = shutdown.at_once.run_until_cancelled(tracer.finish(TRACES_TIMEOUT)).await;
    }
    Ok(())
}

/// Logs the address, and warns about missing keys.
fn log_access(app: &App, listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(listen.addr = %address, "Listening on http://{address}");
    }
    match (app.keys.is_open(), app.worker_keys.is_open(), app.config.listen.allow_anonymous) {
        (false, false, _) => {}
        (_, _, true) => {
            tracing::warn!("Anonymous access is allowed: anyone who can reach this server can use it")
        }
        (api, _, false) => {
            let missing = if api { "API_KEY" } else { "CLIENT_KEY" };
            tracing::warn!("{missing} is not set, so the server listens on this machine only");
        }
    }
    if app.config.keys.guard_api() && app.config.keys.api.is_empty() {
        tracing::warn!("Only USER_KEY or VIEWER_KEY is set, not API_KEY: no key can administer this server");
    }
}
