//! Keeps a worker running: in this app, or by attaching to a worker service that already runs on this computer. Restarts it after a failure, and gives
//! up when it keeps failing.
//!
//! One task owns everything (`task`): [`Order`]s come in, [`Facts`] go out. `worker` is either `embedded` or `attached`, `worker_snapshot` is what is known
//! of it, `restarts` decides when to retry, `active_rules` keeps which sharing rules apply.

mod active_rules;
mod attached;
mod embedded;
mod restarts;
mod task;
mod worker;
mod worker_snapshot;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_settings::Loaded;
use llamapool_telemetry::logs;
use llamapool_worker_core::config::Config;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::task::SupervisorTask;
use crate::config_paths::ConfigPaths;
use crate::ipc::Mode;
use crate::log_buffer::LogBuffer;
use crate::pause::{Memory, Pause, Span};
use crate::serve::Reason;

#[cfg(test)]
pub use self::worker_snapshot::Activity;
pub use self::worker_snapshot::{ConnectionState, RuntimeState, WorkerSnapshot};

/// The capacity of the order queue. Orders come from user actions, a few at a time at most.
const ORDER_QUEUE: usize = 64;

/// How long requests may run when the system ends the app. Systems allow 5 s (Windows) to 90 s (systemd); this leaves a margin.
pub const SYSTEM_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);

/// An order to the supervisor.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    all(not(target_os = "linux"), not(test)),
    expect(dead_code, reason = "there, the system does not announce sleep")
)]
pub enum Order {
    /// Finish current requests and accept no new ones, but stay connected.
    Drain,
    /// Accept requests again.
    Undrain,
    /// Start the worker if it is not running.
    Start,
    /// Stop the worker now.
    Stop,
    /// Restart the worker.
    Restart,
    /// Connect or start now instead of waiting for the next attempt.
    Retry,
    /// Finish current requests, then stop the worker.
    ShutdownWhenDone,
    /// Accept no new requests for a while.
    Pause(Span),
    /// End the pause, or override the rules that apply.
    Resume,
    /// The rules about when to share that apply now.
    Rules(Vec<Reason>),
    /// Reload the settings, which may have changed.
    Reload,
    /// The computer is about to sleep: finish current requests and accept no new ones.
    Sleep,
    /// It has resumed, or did not sleep after all.
    Wake,
    /// Quit when current requests have finished.
    Quit,
    /// Cancel quitting.
    Stay,
    /// Quit when current requests have finished, or after this time.
    QuitWithin(Duration),
}

/// What the supervisor knows.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The supervisor's state.
    pub state: SupervisorState,
    /// When it entered that state.
    pub since: SystemTime,
    /// The worker. After it has stopped, its last known state.
    pub worker: Option<WorkerSnapshot>,
    /// The user's pause.
    pub pause: Option<Pause>,
    /// The computer is about to sleep, or sleeps.
    pub sleeping: bool,
    /// The sharing rule that applies and has not been overridden.
    pub rule: Option<Reason>,
    /// The app quits when current requests have finished.
    pub quitting: bool,
    /// The worker's last failure.
    pub crash: Option<Failure>,
    /// Mistakes in the configuration, or a key that cannot be read, and when that was found. A running worker uses the previous configuration.
    pub mistakes: Option<(String, SystemTime)>,
    /// The last valid configuration.
    pub config: Option<Arc<Loaded<Config>>>,
}

/// The state of the supervisor.
#[derive(Debug, Clone, PartialEq)]
pub enum SupervisorState {
    /// There is no configuration yet.
    Unconfigured,
    /// The configuration is invalid; see `mistakes`.
    Misconfigured,
    /// A key cannot be read from the keychain; see `mistakes`.
    Locked {
        /// The keychain is not available yet. If so, it is retried automatically, otherwise only on request.
        is_away: bool,
    },
    /// The worker was stopped, or its service has.
    Stopped,
    /// A worker service at this address does not accept our control token.
    Foreign(std::net::SocketAddr),
    /// The worker is starting.
    Starting,
    /// The worker is running.
    Running,
    /// The worker has failed and is restarted at this time.
    Failed(Instant),
    /// The worker has failed too often.
    GaveUp,
    /// The supervisor has ended.
    Ended,
}

/// A failure of the worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The number of recent failures.
    pub times: u32,
    /// The cause.
    pub why: String,
    /// The last log lines.
    pub lines: Vec<String>,
}

impl Facts {
    /// Whose worker it is. Before there was one, an embedded one is assumed.
    pub fn mode(&self) -> Mode {
        self.worker.as_ref().map_or(Mode::Embedded, |worker| worker.mode)
    }

    /// The address that the worker connects to, as configured.
    pub fn server_url(&self) -> Option<String> {
        let configured = || self.config.as_ref().map(|loaded| loaded.config.server.url.to_string());
        self.worker.as_ref().map(|worker| worker.server.clone()).or_else(configured)
    }
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum WorkerExit {
    /// On request.
    Requested,
    /// With an error.
    Failed(String),
    /// The service no longer responds.
    Unresponsive,
}

/// A handle to the supervisor. Clones refer to the same one.
#[derive(Clone)]
pub struct Supervisor {
    orders: mpsc::Sender<Order>,
    facts: watch::Receiver<Facts>,
}

impl Supervisor {
    /// Creates a supervisor for the worker with this configuration. The future is its task, to be spawned.
    pub fn new(
        paths: ConfigPaths,
        logs: Option<logs::RunningLogs>,
        log_buffer: LogBuffer,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, inbox) = mpsc::channel(ORDER_QUEUE);
        let memory = Memory::in_folder(paths.state_dir());
        let facts = Facts {
            state: SupervisorState::Starting,
            since: SystemTime::now(),
            worker: None,
            pause: memory.read(SystemTime::now()),
            sleeping: false,
            rule: None,
            quitting: false,
            crash: None,
            mistakes: None,
            config: None,
        };
        let facts = watch::Sender::new(facts);
        let supervisor = Self { orders, facts: facts.subscribe() };
        let task = SupervisorTask::new(inbox, facts, paths, logs, log_buffer, memory);
        (supervisor, task.run())
    }

    /// Sends an order, which is carried out soon.
    pub async fn order(&self, order: Order) {
        // Fails once the supervisor has ended, when there is nothing left to do.
        let _ = self.orders.send(order).await;
    }

    /// The facts, now and after each change.
    pub fn facts(&self) -> watch::Receiver<Facts> {
        self.facts.clone()
    }
}

#[cfg(test)]
mod tests;
