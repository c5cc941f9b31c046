//! The life of the supervisor: from settings to a worker, to its end, and to the next one. What people and the system ask for meanwhile is in `orders`, what
//! it does without a worker in `idle`.

mod idle;
mod orders;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::config::Config;
use llamapool_worker_core::logs;
use llamapool_worker_core::settings::Loaded;
use llamapool_worker_core::worker::{Home, Steer};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::attached::{Attached, Found};
use super::embedded::Embedded;
use super::restarts::{Restarts, Verdict};
use super::rules::Rules;
use super::worker::{End, Worker};
use super::{Facts, Failure, Order, Place, Seen, Stage};
use crate::keychain::Unread;
use crate::logbook::Logbook;
use crate::pause::{Memory, Pause};

/// A pause is checked against the clock on the wall this often, which, unlike timers, goes on while the machine sleeps.
const PAUSE_LOOK: Duration = Duration::from_secs(30);

/// What the rules say is waited for before the first worker, but no longer than this: it takes some milliseconds, unless the system is not well.
const FIRST_VERDICT: Duration = Duration::from_secs(5);

/// Lines of the log that are shown of a failure.
const LAST_LINES: usize = 20;

/// What is to happen when the worker has ended as it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Stop,
    Start,
    End,
}

/// What comes next in the supervisor's life.
enum Next {
    Start,
    Idle,
    Wait(Instant),
    /// Is there a service again?
    Look,
    /// Is there a keychain by now?
    Keychain,
    End,
}

/// The one task.
pub(super) struct Keeper {
    orders: mpsc::Receiver<Order>,
    facts: watch::Sender<Facts>,
    place: Place,
    /// What the configuration file said when it was last read.
    text: Option<Vec<u8>>,
    /// Which keys from the keychain were known then.
    keys: u64,
    level: Option<logs::Level>,
    logbook: Logbook,
    memory: Memory,
    restarts: Restarts,
    /// Somebody wants it to take nothing new.
    draining: bool,
    rules: Rules,
    after: After,
}

impl Keeper {
    pub(super) fn new(
        orders: mpsc::Receiver<Order>,
        facts: watch::Sender<Facts>,
        place: Place,
        level: Option<logs::Level>,
        logbook: Logbook,
        memory: Memory,
    ) -> Self {
        Self {
            orders,
            facts,
            place,
            text: None,
            keys: 0,
            level,
            logbook,
            memory,
            restarts: Restarts::default(),
            draining: false,
            rules: Rules::default(),
            after: After::Stop,
        }
    }

    /// Its life.
    pub(super) async fn keep(mut self) {
        let mut next = Next::Wait(Instant::now() + FIRST_VERDICT);
        loop {
            next = match next {
                Next::Start => self.start().await,
                Next::Idle => self.idle(None).await,
                Next::Wait(until) => self.idle(Some((until, Next::Start))).await,
                Next::Look => self.look().await,
                Next::Keychain => self.await_keychain().await,
                Next::End => break self.stage(Stage::Ended),
            };
        }
    }

    fn stage(&self, stage: Stage) {
        self.facts.send_modify(|facts| (facts.stage, facts.since) = (stage, SystemTime::now()));
    }

    /// From the configuration to a worker, and to its end.
    async fn start(&mut self) -> Next {
        self.after = After::Stop;
        self.stage(Stage::Starting);
        if !self.place.is_configured() {
            self.stage(Stage::Unconfigured);
            return Next::Idle;
        }
        let asked = self.place.keys().read().await;
        let Some(loaded) = self.read() else {
            self.stage(Stage::Misconfigured);
            return Next::Idle;
        };
        if let Err(unread) = asked {
            return self.locked(unread);
        }
        let config = loaded.config.clone();
        match self.find(&config).await {
            Found::Ours(service) => self.attach(Worker::Attached(service)).await,
            Found::Foreign(addr) => {
                self.stage(Stage::Foreign(addr));
                Next::Look
            }
            Found::Nobody => self.embed(config).await,
        }
    }

    /// Who is at the status port of this machine.
    async fn find(&self, config: &Config) -> Found {
        Attached::find(config.control.status_addr, self.place.home(), &self.place.state_of(config)).await
    }

    /// The keychain does not give a key. One whose owner has said no is not asked again by itself.
    fn locked(&self, Unread { why, is_away }: Unread) -> Next {
        tracing::error!("{why}");
        self.facts.send_modify(|facts| facts.mistakes = Some((why, SystemTime::now())));
        self.stage(Stage::Locked { is_away });
        if is_away { Next::Keychain } else { Next::Idle }
    }

    async fn attach(&mut self, mut service: Worker) -> Next {
        tracing::info!("Attached to the worker service on this machine");
        self.restarts.forget();
        // What holds the app's worker holds a service too, and so does its end, which may have come while there was no app.
        if self.is_held() {
            self.hold_or_release(&mut service).await;
        } else if self.memory.is_left_over() {
            self.memory.write(None);
            self.hold_or_release(&mut service).await;
        }
        self.run(service).await
    }

    async fn embed(&mut self, config: Config) -> Next {
        let is_held = self.is_held();
        let prepare = move |steer: &Steer| {
            if is_held {
                steer.drain();
            }
        };
        let home = Home::at(self.place.home());
        let home = match &self.level {
            Some(level) => home.with_level(level.clone()),
            None => home,
        };
        match Embedded::start(config, home, prepare).await {
            Ok(worker) => self.run(Worker::Embedded(worker)).await,
            Err(error) => self.failed(format!("{error:#}")),
        }
    }

    /// Whether the file says anything else than when it was last read, or the keychain: not every change in its folder is one of it.
    fn has_new_settings(&self) -> bool {
        std::fs::read(self.place.file()).ok() != self.text || self.place.keys().version() != self.keys
    }

    /// The configuration as it is now; what is wrong with it is told.
    fn read(&mut self) -> Option<Arc<Loaded<Config>>> {
        self.text = std::fs::read(self.place.file()).ok();
        self.keys = self.place.keys().version();
        match self.place.load() {
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

    /// A worker's life.
    async fn run(&mut self, mut worker: Worker) -> Next {
        self.stage(Stage::Running);
        let end = loop {
            self.note_seen(worker.seen());
            self.leave_if_idle(&mut worker).await;
            tokio::select! {
                end = worker.changed() => if let Some(end) = end {
                    break end;
                },
                order = self.orders.recv() => {
                    let order = order.unwrap_or(Order::QuitWithin(Duration::ZERO));
                    if let ControlFlow::Break(end) = self.obey(order, &mut worker).await {
                        break end;
                    }
                }
                () = pause_over(self.facts.borrow().pause) => self.resume(&mut worker).await,
            }
        };
        let is_attached = matches!(worker, Worker::Attached(_));
        worker.end().await;
        match (end, self.after) {
            (_, After::End) => Next::End,
            (End::Told, After::Start) => Next::Start,
            (End::Failed(why), _) => self.failed(why),
            (End::Gone, _) if is_attached => {
                tracing::warn!("The worker service does not answer any more");
                self.stopped();
                Next::Look
            }
            (End::Told | End::Gone, _) => self.stopped(),
        }
    }

    /// Nobody is woken for a history that grows by itself.
    fn note_seen(&self, seen: Seen) {
        self.facts.send_if_modified(|facts| {
            let is_news = facts.seen.as_ref().is_none_or(|before| !before.is_same_but_for_the_load(&seen));
            facts.seen = Some(seen);
            is_news
        });
    }

    fn stopped(&mut self) -> Next {
        self.draining = false;
        self.stage(Stage::Stopped);
        Next::Idle
    }

    fn failed(&mut self, why: String) -> Next {
        tracing::error!("The worker has failed: {why}");
        let now = Instant::now();
        let verdict = self.restarts.failed(now);
        let failure = Failure { times: self.restarts.times(), why, lines: self.logbook.tail(LAST_LINES) };
        let (stage, next) = match verdict {
            Verdict::Again(wait) => (Stage::Failed(now + wait), Next::Wait(now + wait)),
            Verdict::GiveUp => (Stage::GaveUp, Next::Idle),
        };
        self.facts.send_modify(|facts| facts.crash = Some(failure));
        self.stage(stage);
        next
    }
}

/// Waits for the end of a pause.
async fn pause_over(pause: Option<Pause>) {
    let Some(pause) = pause.filter(|pause| pause.until.is_some()) else {
        return std::future::pending().await;
    };
    while !pause.is_over(SystemTime::now()) {
        let left = pause.until.and_then(|until| until.duration_since(SystemTime::now()).ok());
        tokio::time::sleep(left.unwrap_or_default().min(PAUSE_LOOK)).await;
    }
}
