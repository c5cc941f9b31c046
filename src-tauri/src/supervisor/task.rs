//! The supervisor's task: it reads settings, starts a worker, waits for its end, and starts over. `orders` handles orders while a worker runs, `idle` while
//! none does.

mod idle;
mod orders;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_settings::Loaded;
use llamapool_telemetry::logs;
use llamapool_worker_core::config::Config;
use llamapool_worker_core::worker::{WorkerEnv, WorkerHandle};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::active_rules::ActiveRules;
use super::attached::{Attached, ServiceLookup};
use super::embedded::Embedded;
use super::restarts::{RestartDecision, Restarts};
use super::worker::Worker;
use super::{ConfigPaths, Facts, Failure, Order, SupervisorState, WorkerExit, WorkerSnapshot};
use crate::keychain::KeyUnavailable;
use crate::log_buffer::LogBuffer;
use crate::pause::{Memory, Pause};

/// How often the end of a pause is checked against the system clock: timers stop while the computer sleeps.
const PAUSE_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// How long the first worker waits for the sharing rules to be evaluated, which normally takes milliseconds.
const FIRST_RULES_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of log lines kept with a failure.
const FAILURE_LOG_LINES: usize = 20;

/// What to do when the worker has stopped on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Stop,
    Start,
    Quit,
}

/// The supervisor's next step.
enum Next {
    Start,
    Idle,
    Wait(Instant),
    /// Look for a service again.
    FindService,
    /// Try the keychain again.
    Keychain,
    Quit,
}

/// The task and all of its state.
pub(super) struct SupervisorTask {
    orders: mpsc::Receiver<Order>,
    facts: watch::Sender<Facts>,
    paths: ConfigPaths,
    /// The configuration file's content when it was last read.
    text: Option<Vec<u8>>,
    /// The version of the keychain's keys at that time.
    keys_version: u64,
    logs: Option<logs::RunningLogs>,
    log_buffer: LogBuffer,
    memory: Memory,
    restarts: Restarts,
    /// The user wants no new requests.
    draining: bool,
    rules: ActiveRules,
    after: After,
}

impl SupervisorTask {
    pub(super) fn new(
        orders: mpsc::Receiver<Order>,
        facts: watch::Sender<Facts>,
        paths: ConfigPaths,
        logs: Option<logs::RunningLogs>,
        log_buffer: LogBuffer,
        memory: Memory,
    ) -> Self {
        Self {
            orders,
            facts,
            paths,
            text: None,
            keys_version: 0,
            logs,
            log_buffer,
            memory,
            restarts: Restarts::default(),
            draining: false,
            rules: ActiveRules::default(),
            after: After::Stop,
        }
    }

    /// Runs until the app quits.
    pub(super) async fn run(mut self) {
        let mut next = Next::Wait(Instant::now() + FIRST_RULES_TIMEOUT);
        loop {
            next = match next {
                Next::Start => self.start().await,
                Next::Idle => self.idle(None).await,
                Next::Wait(until) => self.idle(Some((until, Next::Start))).await,
                Next::FindService => self.find_service_again().await,
                Next::Keychain => self.retry_keychain().await,
                Next::Quit => break self.set_state(SupervisorState::Ended),
            };
        }
    }

    fn set_state(&self, state: SupervisorState) {
        self.facts.send_modify(|facts| (facts.state, facts.since) = (state, SystemTime::now()));
    }

    /// Reads the configuration and runs a worker until it ends.
    async fn start(&mut self) -> Next {
        self.after = After::Stop;
        self.set_state(SupervisorState::Starting);
        if !self.paths.is_configured() {
            self.set_state(SupervisorState::Unconfigured);
            return Next::Idle;
        }
        let keys = self.paths.keys().read().await;
        let Some(loaded) = self.read() else {
            self.set_state(SupervisorState::Misconfigured);
            return Next::Idle;
        };
        if let Err(unavailable) = keys {
            return self.locked(unavailable);
        }
        let config = loaded.config.clone();
        match self.find(&config).await {
            ServiceLookup::Ours(service) => self.attach(Worker::Attached(service)).await,
            ServiceLookup::Foreign(addr) => {
                self.set_state(SupervisorState::Foreign(addr));
                Next::FindService
            }
            ServiceLookup::Nothing => self.embed(config).await,
        }
    }

    /// Looks for a worker service on this computer.
    async fn find(&self, config: &Config) -> ServiceLookup {
        Attached::find(
            config.control.status_addr,
            self.paths.config_dir(),
            &self.paths.worker_state_dir(config),
        )
        .await
    }

    /// A key cannot be read. If the user has declined access, it is not retried automatically.
    fn locked(&self, KeyUnavailable { why, is_away }: KeyUnavailable) -> Next {
        tracing::error!("{why}");
        self.facts.send_modify(|facts| facts.mistakes = Some((why, SystemTime::now())));
        self.set_state(SupervisorState::Locked { is_away });
        if is_away { Next::Keychain } else { Next::Idle }
    }

    async fn attach(&mut self, mut service: Worker) -> Next {
        tracing::info!("Attached to the worker service on this computer");
        self.restarts.reset();
        // What holds an embedded worker also holds a service. A hold that ended while the app was not running is released now.
        if self.is_held() {
            self.hold_or_release(&mut service).await;
        } else if self.memory.is_left_over() {
            self.memory.write(None);
            self.hold_or_release(&mut service).await;
        }
        self.run_worker(service).await
    }

    async fn embed(&mut self, config: Config) -> Next {
        let is_held = self.is_held();
        let prepare = move |handle: &WorkerHandle| {
            if is_held {
                handle.drain();
            }
        };
        let home = WorkerEnv::at(self.paths.config_dir());
        let home = match &self.logs {
            Some(logs) => home.with_logs(logs.clone()),
            None => home,
        };
        match Embedded::start(config, home, prepare).await {
            Ok(worker) => self.run_worker(Worker::Embedded(worker)).await,
            Err(error) => self.failed(format!("{error:#}")),
        }
    }

    /// Whether the file or the keys have changed since they were last read. The watcher reports other changes too, such as the app's own saves.
    fn has_new_settings(&self) -> bool {
        std::fs::read(self.paths.file()).ok() != self.text || self.paths.keys().version() != self.keys_version
    }

    /// Reads the configuration and publishes it, or its mistakes.
    fn read(&mut self) -> Option<Arc<Loaded<Config>>> {
        self.text = std::fs::read(self.paths.file()).ok();
        self.keys_version = self.paths.keys().version();
        match self.paths.load() {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.facts.send_modify(|facts| {
                    facts.mistakes = None;
                    facts.config = Some(loaded.clone());
                });
                Some(loaded)
            }
            Err(mistakes) => {
                tracing::error!("{mistakes}");
                self.facts
                    .send_modify(|facts| facts.mistakes = Some((mistakes.to_string(), SystemTime::now())));
                None
            }
        }
    }

    /// Runs a worker until it ends.
    async fn run_worker(&mut self, mut worker: Worker) -> Next {
        self.set_state(SupervisorState::Running);
        let end = loop {
            self.publish(worker.snapshot());
            self.quit_if_idle(&mut worker).await;
            tokio::select! {
                end = worker.changed() => if let Some(end) = end {
                    break end;
                },
                order = self.orders.recv() => {
                    let order = order.unwrap_or(Order::QuitWithin(Duration::ZERO));
                    if let ControlFlow::Break(end) = self.handle(order, &mut worker).await {
                        break end;
                    }
                }
                () = pause_over(self.facts.borrow().pause) => self.resume(&mut worker).await,
            }
        };
        let is_attached = matches!(worker, Worker::Attached(_));
        worker.end().await;
        match (end, self.after) {
            (_, After::Quit) => Next::Quit,
            (WorkerExit::Requested, After::Start) => Next::Start,
            (WorkerExit::Failed(why), _) => self.failed(why),
            (WorkerExit::Unresponsive, _) if is_attached => {
                tracing::warn!("The worker service no longer responds");
                self.stopped();
                Next::FindService
            }
            (WorkerExit::Requested | WorkerExit::Unresponsive, _) => self.stopped(),
        }
    }

    /// Publishes the worker's state. Readers are not woken if only its load history has grown.
    fn publish(&self, worker: WorkerSnapshot) {
        self.facts.send_if_modified(|facts| {
            let has_changed =
                facts.worker.as_ref().is_none_or(|before| !before.differs_in_load_history_at_most(&worker));
            facts.worker = Some(worker);
            has_changed
        });
    }

    fn stopped(&mut self) -> Next {
        self.draining = false;
        self.set_state(SupervisorState::Stopped);
        Next::Idle
    }

    fn failed(&mut self, why: String) -> Next {
        tracing::error!("Worker failed: {why}");
        let now = Instant::now();
        let decision = self.restarts.failed(now);
        let failure =
            Failure { times: self.restarts.times(), why, lines: self.log_buffer.tail(FAILURE_LOG_LINES) };
        let (state, next) = match decision {
            RestartDecision::Again(wait) => (SupervisorState::Failed(now + wait), Next::Wait(now + wait)),
            RestartDecision::GiveUp => (SupervisorState::GaveUp, Next::Idle),
        };
        self.facts.send_modify(|facts| facts.crash = Some(failure));
        self.set_state(state);
        next
    }
}

/// Waits for the end of a pause, if it has one.
async fn pause_over(pause: Option<Pause>) {
    let Some(pause) = pause.filter(|pause| pause.until.is_some()) else {
        return std::future::pending().await;
    };
    while !pause.is_over(SystemTime::now()) {
        let left = pause.until.and_then(|until| until.duration_since(SystemTime::now()).ok());
        tokio::time::sleep(left.unwrap_or_default().min(PAUSE_CHECK_INTERVAL)).await;
    }
}
