//! Keeps a worker running: in this app, or by attaching to a service that already runs on this machine. Starts it again when it fails, and gives up
//! when it keeps failing.
//!
//! One task, the `keeper`, owns everything: [`Order`]s come in, [`Facts`] go out. `worker` is either of two kinds, `embedded` or `attached`, `seen` is
//! what is known of it, `restarts` decides how often to try again, `rules` what of the rules counts, `place` is where its configuration is.

mod attached;
mod embedded;
mod keeper;
mod place;
mod restarts;
mod rules;
mod seen;
mod worker;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llamapool_worker_core::config::Config;
use llamapool_worker_core::logs;
use llamapool_worker_core::settings::Loaded;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::keeper::Keeper;
use crate::logbook::Logbook;
use crate::pause::{Memory, Pause, Span};
use crate::serve::Reason;

pub use self::place::{Place, environment};
#[cfg(test)]
pub use self::seen::Activity;
pub use self::seen::{Link, Runtime, Seen};

/// Orders that wait. Each is a click of a person: more than a few at a time are none.
const WAITING_ORDERS: usize = 64;

/// What can be asked of the supervisor.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    all(not(target_os = "linux"), not(test)),
    expect(dead_code, reason = "nobody says there when the machine sleeps")
)]
pub enum Order {
    /// Finish what runs and take nothing new, but stay.
    Drain,
    /// Take requests again.
    Undrain,
    /// Start a worker that does not run.
    Start,
    /// End the worker now.
    Stop,
    /// End it and start it again.
    Restart,
    /// Do not wait any longer for the next try.
    Retry,
    /// Finish what runs, then end.
    ShutdownWhenDone,
    /// Take nothing new for a while.
    Pause(Span),
    /// Take requests again after a pause, or although rules say no.
    Resume,
    /// What the rules about when to serve say against it now.
    Rules(Vec<Reason>),
    /// The settings have changed.
    Reload,
    /// The machine is about to sleep: finish what runs and take nothing new.
    Sleep,
    /// It has woken up, or did not sleep after all.
    Wake,
    /// The app is about to end: finish what runs.
    Quit,
    /// The app stays after all.
    Stay,
    /// The app ends as soon as the worker has, which is after this time at most.
    QuitWithin(Duration),
}

/// Everything there is to know.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How far it is.
    pub stage: Stage,
    /// Since when.
    pub since: SystemTime,
    /// The worker, while there is one, and after that as it was.
    pub seen: Option<Seen>,
    /// Serving is paused.
    pub pause: Option<Pause>,
    /// The machine is about to sleep, or does.
    pub sleeping: bool,
    /// A rule says that nothing is to be served, and nobody has overruled it.
    pub rule: Option<Reason>,
    /// The app ends when nothing runs any more.
    pub quitting: bool,
    /// It ended without being told to.
    pub crash: Option<Failure>,
    /// The configuration as it is has mistakes, or a key of it cannot be had; one that runs was read before. With the time at which that was found.
    pub mistakes: Option<(String, SystemTime)>,
    /// The configuration that runs, or would.
    pub config: Option<Arc<Loaded<Config>>>,
}

/// How far the supervisor is with its worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// There is no configuration.
    Unconfigured,
    /// It cannot be used; see `mistakes`.
    Misconfigured,
    /// The keychain does not give a key; see `mistakes`.
    Locked {
        /// There is none yet: it is asked again now and then, and else when somebody says so.
        is_away: bool,
    },
    /// It was told to end, or its service has.
    Stopped,
    /// A worker service is here that does not take our orders.
    Foreign(std::net::SocketAddr),
    /// It is about to run.
    Starting,
    /// It runs.
    Running,
    /// It has failed, and is started again then.
    Failed(Instant),
    /// It has failed too often.
    GaveUp,
    /// The supervisor has ended.
    Ended,
}

/// A worker that ended without being told to.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// How often of late.
    pub times: u32,
    /// Why.
    pub why: String,
    /// What the log said last.
    pub lines: Vec<String>,
}

/// The handle of the supervisor. Clones are the same one.
#[derive(Clone)]
pub struct Supervisor {
    orders: mpsc::Sender<Order>,
    facts: watch::Receiver<Facts>,
}

impl Supervisor {
    /// A supervisor, and its life, which is to be spawned. It starts what [`Place`] says.
    pub fn new(
        place: Place,
        level: Option<logs::Level>,
        logbook: Logbook,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (orders, inbox) = mpsc::channel(WAITING_ORDERS);
        let memory = Memory::in_folder(place.state_dir());
        let facts = Facts {
            stage: Stage::Starting,
            since: SystemTime::now(),
            seen: None,
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
        let keeper = Keeper::new(inbox, facts, place, level, logbook, memory);
        (supervisor, keeper.keep())
    }

    /// Gives an order. It is carried out soon.
    pub async fn order(&self, order: Order) {
        // It fails once the supervisor has ended, and then there is nothing left to order.
        let _ = self.orders.send(order).await;
    }

    /// Everything there is to know, now and at every change.
    pub fn facts(&self) -> watch::Receiver<Facts> {
        self.facts.clone()
    }
}

#[cfg(test)]
mod tests;
