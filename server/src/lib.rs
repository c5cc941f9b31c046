//! The gateway: one OpenAI-compatible API in front of everybody's own machines.
//!
//! ```text
//!  listen ─▶ routes ─▶ flow: accept → authenticate → limit → read → route → dispatch → stream → account
//!                                                              │         │
//!                             workers, endpoints ─▶ pool ────┘         └─▶ upstream: a worker's tunnel, or an HTTP endpoint
//! ```
//!
//! [`listen`] accepts connections, `routes` has every path, [`flow`] is the life of a request, and [`accounting`] holds its ticket, which rides in
//! the response body. `workers` is where workers connect, `endpoints` asks static endpoints for their models; the [`pool`] knows who is there and who gets the next request. [`drain`] ends it all in
//! order.

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
mod metrics;
mod openapi;
pub mod pool;
pub mod protocol;
pub mod reload;
mod routes;
pub mod state;
pub mod upstream;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use llamapool_worker_core::logs::Level;
use llamapool_worker_core::metrics::Listener as MetricsListener;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use app::App;
use config::Config;
use drain::Shutdown;

/// The server's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// After everything is told to end, so long for goodbyes to be sent.
const GOODBYE: Duration = Duration::from_secs(2);

/// So long the last traces may take to be sent.
const LAST_TRACES: Duration = Duration::from_secs(2);

/// Where the server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For the API, the dashboard and workers.
    pub api: TcpListener,
    /// For Prometheus, if it has a port of its own.
    pub metrics: Option<MetricsListener>,
}

impl Listeners {
    /// Binds what the configuration says.
    ///
    /// # Errors
    /// A port is taken, or the machine does not have an address.
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

/// Runs the server on its listeners until it is told to stop, and has. `log_level` is the process's, if it may be changed over the API.
pub async fn run(
    config: Config,
    listeners: impl Into<Listeners>,
    shutdown: Shutdown,
    log_level: Option<Level>,
) {
    let Listeners { api: listener, metrics } = listeners.into();
    let drain_timeout = config.drain_timeout;
    let mut app = App::new(config);
    app.log_level = log_level;
    let app = Arc::new(app);
    greet(&app, &listener);
    let _all = (app.drain.cut().clone().drop_guard(), app.drain.stopped().clone().drop_guard());
    endpoints::start(&app);
    let front = AbortOnDropHandle::new(tokio::spawn(listen::serve(
        listener,
        routes::router(app.clone()),
        app.clone(),
    )));
    let scraped =
        metrics.map(|metrics| AbortOnDropHandle::new(tokio::spawn(metrics.serve(app.metrics.clone()))));
    let publisher = AbortOnDropHandle::new(tokio::spawn(app.feed.clone().publish()));
    app.drain.run(&app.registry, &app.ledger, &shutdown, drain_timeout).await;
    app.sessions.close();
    let rest = async {
        app.sessions.wait().await;
        if let Err(error) = front.await {
            tracing::error!("The listener ended badly: {error}");
        }
    };
    drop((publisher, scraped));
    if tokio::time::timeout(GOODBYE, rest).await.is_err() {
        tracing::warn!("Some connections did not end in time");
    }
    if let Some(tracer) = &app.tracer {
        let _ = shutdown.at_once.run_until_cancelled(tracer.finish(LAST_TRACES)).await;
    }
}

/// Says where the server listens and who may come.
fn greet(app: &App, listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(listen.addr = %address, "Listening on http://{address}");
    }
    match (app.keys.is_open(), app.worker_keys.is_open(), app.config.listen.allow_anonymous) {
        (false, false, _) => {}
        (_, _, true) => tracing::warn!("Anonymous access is allowed: whoever reaches this server may use it"),
        (api, _, false) => {
            let missing = if api { "API_KEY" } else { "CLIENT_KEY" };
            tracing::warn!("{missing} is not set: the server listens on this machine only");
        }
    }
}
