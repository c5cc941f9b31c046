//! The worker: one handle that lives as long as the worker. It probes the runtime, keeps the tunnel to the server up, relays requests, and drains on
//! request.
//!
//! `monitor` probes the runtime, `uplink` keeps the connection up (with the tunnel's reconnect loop), `session` is one
//! connection's life, `status` what is published about all of them, and `local` (in its `env`) the status page and controls on this machine.

mod env;
mod local;
mod metrics;
mod monitor;
mod session;
mod status;
mod uplink;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use llamapool_telemetry::tasks::BackgroundTasks;
use secrecy::ExposeSecret;
use tokio::sync::{Notify, watch};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::config::Config;
use crate::demo::Demo;
use crate::ledger::Ledger;
use crate::relay::{Destination, Relay, Setup};
use crate::runtime::RuntimeInfo;
use llamapool_settings::DrainTimeout;
use llamapool_settings::paths::{self, WorkerId};
use llamapool_telemetry::logs::{LogProblem, RunningLogs};
use llamapool_telemetry::metrics::Listener;
use llamapool_telemetry::trace::{Service, Tracer};
use status::StatusPublisher;

pub use crate::ledger::{Activity, JobState, LiveJob, LoadBin};
pub use env::WorkerEnv;
pub use local::{StatusPage, is_control_proof};
pub use metrics::SERIES;
pub use status::{Connection, Problem, Readiness, Status};

/// Time limit for sending the last traces when a worker ends.
const LAST_TRACES: Duration = Duration::from_secs(2);

/// A running worker. Dropping it ends everything immediately; [`Worker::shutdown`] drains first.
pub struct Worker {
    handle: WorkerHandle,
    publisher: StatusPublisher,
    ended: AbortOnDropHandle<Exit>,
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// As requested.
    Requested,
    /// The connection was lost or refused, and reconnecting is off.
    Lost(String),
}

/// Controls a running worker. Clones control the same one.
#[derive(Clone)]
pub struct WorkerHandle {
    orders: Arc<watch::Sender<Orders>>,
    publisher: StatusPublisher,
    /// Requests a new connection now.
    redial: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Orders {
    draining: bool,
    shutdown: Option<DrainTimeout>,
}

impl WorkerHandle {
    fn new(publisher: StatusPublisher) -> Self {
        let orders = Arc::new(watch::Sender::new(Orders { draining: false, shutdown: None }));
        Self { orders, publisher, redial: Arc::default() }
    }

    /// Finishes the requests in flight and accepts no new ones, but stays connected.
    pub fn drain(&self) {
        self.order(|orders| orders.draining = true);
    }

    /// Accepts requests again. A shutdown that has begun continues.
    pub fn undrain(&self) {
        self.order(|orders| orders.draining = orders.shutdown.is_some());
    }

    /// Drains, then ends the worker. A later call replaces the timeout.
    pub fn shutdown(&self, timeout: DrainTimeout) {
        self.order(|orders| *orders = Orders { draining: true, shutdown: Some(timeout) });
    }

    /// Reconnects immediately, because the connection is known to be dead, for example after sleep. Requests in flight fail.
    pub fn redial(&self) {
        self.redial.notify_one();
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        self.orders.send_modify(order);
        let Orders { draining, shutdown } = *self.orders.borrow();
        self.publisher
            .change(|status| (status.draining, status.terminating) = (draining, shutdown.is_some()));
    }
}

/// What the parts of a worker share.
struct Shared {
    config: Config,
    id: String,
    publisher: StatusPublisher,
    handle: WorkerHandle,
    ledger: Ledger,
    probed: watch::Receiver<monitor::Probed>,
    destination: watch::Receiver<Option<Destination>>,
    alarm: Arc<Notify>,
    setup: Setup,
    tasks: TaskTracker,
}

impl Worker {
    /// Starts a worker on the current runtime. `env` is the folder of its configuration file, or a [`WorkerEnv`].
    ///
    /// # Errors
    /// The status or metrics address cannot be used, the demo runtime cannot start, or the token cannot be stored.
    pub async fn start(config: Config, env: impl Into<WorkerEnv>) -> anyhow::Result<Self> {
        let env = env.into();
        llamapool_tunnel::tls::install();
        let ledger = Ledger::default();
        let state_dir = config.control.state_dir.clone().unwrap_or_else(paths::state_dir);
        let (id, kept_id) = identity(&config, &state_dir);
        let publisher = StatusPublisher::new(&config, &id, ledger.clone());
        let handle = WorkerHandle::new(publisher.clone());
        let demo = if config.runtime.demo { Some(Demo::start().await?) } else { None };
        let monitor = monitor::Monitor::new(&config, demo.as_ref().map(Demo::base_url), publisher.clone());
        let shared = Arc::new(Shared {
            probed: monitor.probed(),
            destination: monitor.destination(),
            alarm: monitor.alarm(),
            setup: setup(&config, &id)?,
            tasks: TaskTracker::new(),
            publisher: publisher.clone(),
            handle: handle.clone(),
            ledger,
            id,
            config,
        });
        let local = match shared.config.control.status_addr {
            Some(addr) => {
                let folder = shared.config.control.state_dir.as_deref().unwrap_or(&env.folder);
                let token = paths::token(folder, &state_dir)?;
                let level = env.logs.as_ref().map(|logs| logs.level().clone());
                Some(local::Local::bind(addr, &shared, token, level).await?)
            }
            None => None,
        };
        let metrics = match shared.config.metrics.addr {
            Some(addr) => Some(Listener::bind(addr).await?),
            None => None,
        };
        let mut background = BackgroundTasks::default();
        background.spawn("runtime monitor", monitor.run());
        if let Some(local) = local {
            background.spawn("status and control API", local.serve());
        }
        if let Some(listener) = metrics {
            background.spawn("metrics", listener.serve(Arc::new(publisher.clone())));
        }
        if let Some(logs) = env.logs {
            background.spawn("log files", watch_logs(logs, publisher.clone()));
        }
        #[cfg(all(debug_assertions, unix))]
        background.spawn("panic for tests", panic_on_signal());
        let life = life(shared, background, kept_id, demo);
        Ok(Self { handle, publisher, ended: AbortOnDropHandle::new(tokio::spawn(life)) })
    }

    /// The status, now and at every change. [`Worker::jobs`] counts the requests in flight, which change far more often.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.publisher.watch()
    }

    /// The number of running requests. Marked as changed whenever [`Worker::activity`] changes, except for ages and byte counts; a reader that wants
    /// fewer updates waits a while after each, and marks further changes as seen (`mark_unchanged`).
    pub fn jobs(&self) -> watch::Receiver<u32> {
        self.publisher.ledger().watch()
    }

    /// Its activity, now and since it started.
    pub fn activity(&self) -> Activity {
        self.publisher.ledger().activity()
    }

    /// The controls: drain, undrain, shut down, redial.
    pub fn handle(&self) -> &WorkerHandle {
        &self.handle
    }

    /// Drains and ends the worker, and waits until it has. See [`WorkerHandle::shutdown`].
    pub async fn shutdown(self, timeout: DrainTimeout) -> Exit {
        self.handle.shutdown(timeout);
        self.ended().await
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> Exit {
        self.wait().await
    }

    /// Waits until it has ended, without consuming the handle.
    pub async fn wait(&mut self) -> Exit {
        match (&mut self.ended).await {
            Ok(exit) => exit,
            Err(error) => Exit::Lost(format!("a task of the worker failed: {error}")),
        }
    }
}

/// Runs a worker until the uplink ends or one of the other parts panics, then drops them.
async fn life(
    shared: Arc<Shared>,
    mut background: BackgroundTasks,
    kept_id: Option<WorkerId>,
    demo: Option<Demo>,
) -> Exit {
    let exit = tokio::select! {
        exit = uplink::run(shared.clone()) => exit,
        // The supervisor restarts the worker; if only one part had failed, it would look healthy.
        failed = background.failed() => Exit::Lost(failed.to_string()),
    };
    shared.tasks.close();
    shared.tasks.wait().await;
    if let Some(tracer) = &shared.setup.tracer {
        tracer.finish(LAST_TRACES).await;
    }
    drop((background, kept_id, demo));
    exit
}

/// Shows in the status whether the log files can be written.
async fn watch_logs(logs: RunningLogs, publisher: StatusPublisher) {
    logs.watch(|problem| {
        let problem = problem.map(|LogProblem { what, since }| Problem { what, since });
        publisher.change(|status| status.log_problem = problem);
    })
    .await;
}

/// In debug builds, SIGUSR2 makes a background task of the worker panic, to test that this is noticed.
#[cfg(all(debug_assertions, unix))]
async fn panic_on_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut signal) = signal(SignalKind::user_defined2()) {
        signal.recv().await;
        panic!("panic requested by SIGUSR2");
    }
}

/// `1 model`, `3 models`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The configured id, or the one stored on this machine, and the lock that keeps other workers from using it.
fn identity(config: &Config, state_dir: &Path) -> (String, Option<WorkerId>) {
    match &config.identity.id {
        Some(id) => (id.clone(), None),
        None => {
            let kept = paths::worker_id(state_dir);
            (kept.id.to_string(), Some(kept))
        }
    }
}

fn setup(config: &Config, id: &str) -> anyhow::Result<Setup> {
    let key = config.runtime.api_key.as_ref().map(|key| {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))?;
        value.set_sensitive(true);
        anyhow::Ok(value)
    });
    Ok(Setup {
        most: config.runtime.max_concurrency,
        key: key.transpose()?,
        connect_timeout: config.runtime.connect_timeout,
        silence: config.runtime.request_timeout,
        ca_file: config.server.ca_file.clone(),
        tracer: Tracer::start(&config.trace, &Service { name: "llamapool-worker", instance: Some(id) }),
    })
}

impl Shared {
    fn relay(&self) -> Relay {
        let Self { setup, destination, ledger, tasks, alarm, .. } = self;
        Relay::new(setup.clone(), destination.clone(), ledger.clone(), tasks.clone(), alarm.clone())
    }

    /// The runtime as last probed, and why it cannot be used now, if so.
    fn runtime_info(&self) -> (RuntimeInfo, Option<String>) {
        let probed = self.probed.borrow();
        (probed.info.clone().unwrap_or_default(), probed.error.clone())
    }
}
