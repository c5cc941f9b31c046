//! The worker's status: one snapshot with one writer, watched by the local API and the desktop app.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::config::Config;
use crate::ledger::Ledger;
use crate::runtime::{Kind, Model};

/// The status of a worker, without the number of requests in flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Its id at the server: stable across restarts, unless another connected worker has it too.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// The URL of the server, as configured.
    pub server: String,
    /// A warning about the server that is not an error, for example that the key is sent to it without encryption.
    pub server_note: Option<String>,
    /// The connection to it.
    pub connection: Connection,
    /// Whether the runtime is available.
    pub runtime: Readiness,
    /// The kind of the runtime.
    pub kind: Kind,
    /// Its version.
    pub runtime_version: Option<String>,
    /// A warning about the runtime that is not an error, for example that it has no models.
    pub runtime_note: Option<String>,
    /// Its models, including hidden ones; while it is unavailable, those it had before.
    pub models: Vec<Model>,
    /// Maximum number of concurrent requests.
    pub max_concurrency: u32,
    /// Whether it accepts no new requests.
    pub draining: bool,
    /// Whether it ends when no request is in flight any more.
    pub terminating: bool,
    /// Why the last attempt to connect failed, or why the connection ended; `None` while it is up.
    pub link_error: Option<Problem>,
    /// Why the log files cannot be written, if they cannot.
    pub log_problem: Option<Problem>,
    /// Number of connections so far.
    pub connections: u64,
    /// Round-trip time to the server. It is measured every few seconds while connected, and updated when it changes noticeably.
    pub latency: Option<Duration>,
    /// When the last report was sent to the server. A change of it alone wakes no watcher.
    pub last_report: Option<SystemTime>,
}

/// Whether the runtime is available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Not probed yet.
    Unknown,
    /// It is available.
    Ready,
    /// It is not available.
    Away(Problem),
}

/// A problem that a person should know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Since when.
    pub since: SystemTime,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Connecting.
    Connecting,
    /// Connected.
    Connected,
    /// Disconnected; waiting for the next attempt.
    Waiting {
        /// When the next attempt starts.
        until: tokio::time::Instant,
        /// Something must be changed first, such as the key or the address.
        refused: bool,
    },
}

/// Writes the status, and publishes it.
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
            server_note: config.server.plaintext_warning(),
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
            log_problem: None,
            connections: 0,
            latency: None,
            last_report: None,
        };
        Self { status: Arc::new(watch::Sender::new(status)), ledger }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    /// Records a round-trip time.
    pub(super) fn measured(&self, latency: Duration) {
        self.status.send_if_modified(|status| {
            let is_news = status.latency.is_none_or(|before| differs(before, latency));
            if is_news {
                status.latency = Some(latency);
            }
            is_news
        });
    }

    /// Records that a report was sent.
    pub(super) fn reported(&self) {
        self.status.send_if_modified(|status| {
            status.last_report = Some(SystemTime::now());
            false
        });
    }

    pub(super) fn now(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether this note differs from the current one.
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
    /// The state as one word, as the status page shows it (`disconnected`, `connecting`, `connected_idle`, `connected_busy`, `not_ready`,
    /// `draining`, `terminating`, `error`).
    pub fn as_str(&self, jobs: u32) -> &'static str {
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

    /// The current problem: of the connection first, because nothing works without it; of the logs last, because everything works without them.
    pub fn problem(&self) -> Option<&Problem> {
        let runtime = match &self.runtime {
            Readiness::Away(problem) => Some(problem),
            Readiness::Unknown | Readiness::Ready => None,
        };
        self.link_error.as_ref().or(runtime).or(self.log_problem.as_ref())
    }
}

/// Whether two latencies differ noticeably: by more than half, and by more than the jitter of schedulers and radios.
fn differs(before: Duration, now: Duration) -> bool {
    /// Smaller differences are jitter.
    const NOISE: Duration = Duration::from_millis(5);
    let (less, more) = (before.min(now), before.max(now));
    more - less > NOISE.max(less / 2)
}

impl Problem {
    /// A new problem; if it equals the previous one, it keeps its time.
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
            assert_eq!(publisher.now().as_str(jobs), expect);
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
    fn a_problem_keeps_its_time_while_it_is_the_same() {
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
    fn a_lost_server_is_said_before_a_lost_runtime_and_that_before_the_logs() {
        let publisher = StatusPublisher::new(&Config::for_testing(), "id", Ledger::default());
        let said = || publisher.now().problem().map(|problem| problem.what.clone());
        assert_eq!(said(), None);
        publisher.change(|status| status.log_problem = Some(Problem::found("no space left", None)));
        assert_eq!(said().as_deref(), Some("no space left"));
        publisher.change(|status| status.runtime = Readiness::Away(Problem::found("no runtime", None)));
        assert_eq!(said().as_deref(), Some("no runtime"));
        publisher.change(|status| status.link_error = Some(Problem::found("no server", None)));
        assert_eq!(said().as_deref(), Some("no server"));
    }
}
