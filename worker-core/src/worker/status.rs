//! What others see of the worker: one snapshot, changed at one place, watched by the local status page, the log and the desktop app.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::config::Config;
use crate::ledger::Ledger;
use crate::runtime::{Kind, Model};

/// The worker's state but for the number of running requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Stable across restarts.
    pub id: String,
    /// For people.
    pub name: String,
    /// The server, as configured.
    pub server: String,
    /// The tunnel to it.
    pub connection: Connection,
    /// Whether the runtime is there.
    pub runtime: Readiness,
    /// What the runtime is.
    pub kind: Kind,
    /// Its version.
    pub runtime_version: Option<String>,
    /// Something odd about it that is no failure, in a sentence: that it has no models, for one.
    pub runtime_note: Option<String>,
    /// What it has, also what of it is withheld; while it is away, what it had.
    pub models: Vec<Model>,
    /// Requests that run at once, at most.
    pub max_concurrency: u32,
    /// Takes nothing new.
    pub draining: bool,
    /// Ends when nothing runs any more.
    pub terminating: bool,
    /// Why the last try to connect failed, or what ended the connection; nothing once it is up.
    pub link_error: Option<Problem>,
    /// How many times it has been made.
    pub connections: u64,
    /// How long the server takes to answer, there and back. It is measured every few seconds while connected, and is another one when that
    /// differs so much that somebody might care.
    pub latency: Option<Duration>,
    /// When a report last went to the server. Nobody is woken for it.
    pub last_report: Option<SystemTime>,
}

/// How the runtime is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Not looked at yet.
    Unknown,
    /// It answers.
    Ready,
    /// It does not.
    Away(Problem),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, in a sentence.
    pub what: String,
    /// Since when: the time at which these words were first true.
    pub since: SystemTime,
}

/// How the tunnel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Being made.
    Connecting,
    /// Up.
    Connected,
    /// Down; the next try is due then.
    Waiting {
        /// Monotonic.
        until: tokio::time::Instant,
        /// Somebody has to change something first: the key, the address.
        refused: bool,
    },
}

/// Where the status is written.
#[derive(Clone)]
pub(super) struct StatusPublisher {
    status: Arc<watch::Sender<Status>>,
    ledger: Ledger,
}

impl StatusPublisher {
    pub(super) fn new(config: &Config, id: &str, ledger: Ledger) -> Self {
        let status = Status {
            id: id.to_owned(),
            name: config.identity.name.clone(),
            server: config.server.url.to_string(),
            connection: Connection::Connecting,
            runtime: Readiness::Unknown,
            kind: config.runtime.kind,
            runtime_version: None,
            runtime_note: None,
            models: Vec::new(),
            max_concurrency: config.runtime.max_concurrency,
            draining: false,
            terminating: false,
            link_error: None,
            connections: 0,
            latency: None,
            last_report: None,
        };
        Self { status: Arc::new(watch::Sender::new(status)), ledger }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    /// The server has answered after so long.
    pub(super) fn measured(&self, latency: Duration) {
        self.status.send_if_modified(|status| {
            let is_news = status.latency.is_none_or(|before| differs(before, latency));
            if is_news {
                status.latency = Some(latency);
            }
            is_news
        });
    }

    /// A report has gone to the server.
    pub(super) fn reported(&self) {
        self.status.send_if_modified(|status| {
            status.last_report = Some(SystemTime::now());
            false
        });
    }

    pub(super) fn now(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether this note is not the one that is there.
    pub(super) fn is_news(&self, note: &str) -> bool {
        self.status.borrow().runtime_note.as_deref() != Some(note)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Status {
    /// The state in one word, as the status page says it (reference: `disconnected`, `connecting`, `connected_idle`, `connected_busy`, `not_ready`,
    /// `draining`, `terminating`, `error`).
    pub fn word(&self, jobs: u32) -> &'static str {
        match (self.terminating, self.draining, self.connection) {
            (true, ..) => "terminating",
            (_, true, _) => "draining",
            (.., Connection::Connecting) => "connecting",
            (.., Connection::Waiting { refused: true, .. }) => "error",
            (.., Connection::Waiting { .. }) => "disconnected",
            (.., Connection::Connected) if self.runtime != Readiness::Ready => "not_ready",
            (.., Connection::Connected) if jobs > 0 => "connected_busy",
            (.., Connection::Connected) => "connected_idle",
        }
    }

    /// What is wrong now: with the connection before the runtime, since nothing works without it.
    pub fn trouble(&self) -> Option<&Problem> {
        let runtime = match &self.runtime {
            Readiness::Away(trouble) => Some(trouble),
            Readiness::Unknown | Readiness::Ready => None,
        };
        self.link_error.as_ref().or(runtime)
    }
}

/// Whether one latency says something else than another: by more than half, and more than what schedulers and radios add now and then.
fn differs(before: Duration, now: Duration) -> bool {
    /// Below that all is near.
    const NOISE: Duration = Duration::from_millis(5);
    let (less, more) = (before.min(now), before.max(now));
    more - less > NOISE.max(less / 2)
}

impl Problem {
    /// Problem that is found now, and may be the one there was before.
    pub(super) fn found(what: &str, before: Option<&Self>) -> Self {
        let known = before.filter(|before| before.what == what);
        let since = known.map_or_else(SystemTime::now, |known| known.since);
        Self { what: what.to_owned(), since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_says_what_matters_most() {
        let publisher = StatusPublisher::new(&Config::for_testing(), "id", Ledger::default());
        let check = |change: fn(&mut Status), jobs, expect| {
            publisher.change(change);
            assert_eq!(publisher.now().word(jobs), expect);
        };
        check(|_| {}, 0, "connecting");
        check(
            |s| s.connection = Connection::Waiting { until: tokio::time::Instant::now(), refused: false },
            0,
            "disconnected",
        );
        check(
            |s| s.connection = Connection::Waiting { until: tokio::time::Instant::now(), refused: true },
            0,
            "error",
        );
        check(|s| s.connection = Connection::Connected, 0, "not_ready");
        check(|s| s.runtime = Readiness::Ready, 0, "connected_idle");
        check(|_| {}, 1, "connected_busy");
        check(|s| s.draining = true, 1, "draining");
        check(|s| s.terminating = true, 1, "terminating");
    }

    #[test]
    fn trouble_keeps_its_time_while_it_is_the_same() {
        let old = Problem { what: "refused".to_owned(), since: SystemTime::UNIX_EPOCH };
        assert_eq!(Problem::found("refused", Some(&old)), old);
        assert!(Problem::found("gone", Some(&old)).since > old.since);
        assert!(Problem::found("refused", None).since > old.since);
    }

    #[test]
    fn nobody_is_woken_for_what_is_as_it_was() {
        let publisher = StatusPublisher::new(&Config::for_testing(), "id", Ledger::default());
        let mut watch = publisher.watch();
        let mut check = |ms: u64, expect: Option<u64>| {
            publisher.reported();
            publisher.measured(Duration::from_millis(ms));
            let news = watch.has_changed().unwrap().then(|| watch.borrow_and_update().latency.unwrap());
            assert_eq!(news, expect.map(Duration::from_millis), "{ms} ms");
        };
        check(1, Some(1));
        check(6, None);
        check(7, Some(7));
        check(2, None);
        check(30, Some(30));
        for near in [44, 25, 21, 45] {
            check(near, None);
        }
        check(46, Some(46));
        check(30, Some(30));
        assert!(publisher.now().last_report.is_some());
    }

    #[test]
    fn a_lost_server_is_said_before_a_lost_runtime() {
        let publisher = StatusPublisher::new(&Config::for_testing(), "id", Ledger::default());
        let said = || publisher.now().trouble().map(|trouble| trouble.what.clone());
        assert_eq!(said(), None);
        publisher.change(|status| status.runtime = Readiness::Away(Problem::found("no runtime", None)));
        assert_eq!(said().as_deref(), Some("no runtime"));
        publisher.change(|status| status.link_error = Some(Problem::found("no server", None)));
        assert_eq!(said().as_deref(), Some("no server"));
    }
}
