//! Static endpoints: one task for each keeps the registry up to date about which models it has, and whether it is there.
//!
//! The kind and models of an endpoint are found by the same code that a worker uses for its runtime.

use std::sync::Arc;
use std::time::Duration;

use llamapool_telemetry::tasks::BackgroundTasks;
use llamapool_tunnel::control::{Readiness, Report};
use llamapool_worker_core::runtime::{Kind, Prober, RuntimeInfo, Unready};
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::config::EndpointConfig;
use crate::pool::UpstreamId;
use crate::upstream::endpoint::Client;
use crate::upstream::{Identity, Upstream};

/// How often an endpoint is asked for its models.
const INTERVAL: Duration = Duration::from_secs(30);

/// An endpoint that does not respond is asked again after this time, then after twice as long each time, up to [`INTERVAL`].
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// After a failed request, or one for a model that is gone, the endpoint is asked immediately, but at most this often.
const PROBE_GAP: Duration = Duration::from_secs(1);

/// An endpoint of the local network answers within milliseconds, one across an ocean within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds the configured endpoints to the pool. Their tasks end when the server stops.
pub(crate) fn start(app: &Arc<App>, tasks: &mut BackgroundTasks) {
    for config in &app.config.endpoints {
        match Client::new(&config.url, CONNECT_TIMEOUT, None) {
            Ok(client) => {
                tasks.spawn("endpoint monitor", serve(app.clone(), config.clone(), client));
            }
            Err(error) => {
                tracing::error!(
                    endpoint.name = config.name,
                    "Endpoint {} is disabled: {error:#}",
                    config.name
                );
            }
        }
    }
}

/// Keeps an endpoint in the pool until the server stops.
async fn serve(app: Arc<App>, config: EndpointConfig, client: Client) {
    let EndpointConfig { name, url } = config;
    let identity = Identity { id: format!("endpoint:{name}"), name: name.clone(), version: String::new() };
    let id = app.registry.join(identity, Upstream::Endpoint(client.clone()));
    let monitor = Monitor {
        app: &app,
        id,
        name,
        prober: Prober::new(Some(url), None, Kind::Auto, CONNECT_TIMEOUT),
        client,
        last: None,
    };
    app.drain.stopped().run_until_cancelled(monitor.watch()).await;
    app.registry.leave(id);
}

/// Keeps asking an endpoint what it has.
struct Monitor<'a> {
    app: &'a App,
    id: UpstreamId,
    name: String,
    prober: Prober,
    client: Client,
    /// The last report, so that only changes are logged, and the models of an unreachable endpoint stay known.
    last: Option<Report>,
}

impl Monitor<'_> {
    /// Runs until it is dropped.
    async fn watch(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let found = self.prober.probe().await;
            let wait = if found.is_ok() { INTERVAL } else { retry };
            retry = if found.is_ok() { FIRST_RETRY } else { retry.saturating_mul(2).min(INTERVAL) };
            self.note(found);
            let probed = Instant::now();
            tokio::select! {
                () = sleep(wait) => {}
                () = self.client.outdated() => sleep_until(probed + PROBE_GAP).await,
            }
        }
    }

    fn note(&mut self, found: Result<RuntimeInfo, Unready>) {
        let report = match found {
            Ok(info) => ready(info),
            Err(unready) => away(unready, self.last.as_ref()),
        };
        if self.last.as_ref() != Some(&report) {
            self.log(&report);
            self.last = Some(report.clone());
        }
        self.app.registry.report(self.id, report);
    }

    fn log(&self, report: &Report) {
        let (name, models) = (&self.name, report.models.len());
        match &report.reason {
            None => {
                tracing::info!(endpoint.name = name, endpoint.models = models, "Endpoint {name} is ready")
            }
            Some(why) => tracing::warn!(endpoint.name = name, "Endpoint {name} is not ready: {why}"),
        }
    }
}

fn ready(info: RuntimeInfo) -> Report {
    /// Nothing is known about it.
    const CAPACITY: u32 = 0;
    let RuntimeInfo { kind, version, models, .. } = info;
    Report { runtime: Some(kind), runtime_version: version, ..Report::ready(CAPACITY, models) }
}

/// An unreachable endpoint keeps its models: they are not ready, rather than unknown.
fn away(unready: Unready, last: Option<&Report>) -> Report {
    let before = last.cloned().unwrap_or_else(|| ready(RuntimeInfo::default()));
    Report { state: Readiness::NotReady, reason: Some(unready.reason), ..before }
}
