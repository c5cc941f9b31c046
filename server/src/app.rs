//! The parts of the server, assembled. Handlers and stages of the flow reach them through [`App`]; each part itself takes only what it needs.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use llamapool_telemetry::logs::RunningLogs;
use llamapool_telemetry::trace::{Service, Tracer};
use tokio_util::task::TaskTracker;

use crate::accounting::Ledger;
use crate::accounting::ticket::Ticket;
use crate::auth::{Keyring, WorkerKeys};
use crate::body_memory::BodyMemory;
use crate::changes::Changes;
use crate::config::Config;
use crate::drain::Drain;
use crate::http::error::ApiError;
use crate::http::unread::Unread;
use crate::log_limit::{self, LogLimit};
use crate::metrics::ServerMetrics;
use crate::objects::ObjectMemory;
use crate::pool::Registry;
use crate::state::{Feed, StateSources};
use crate::worker_ids::WorkerIds;

/// The server's parts, one of each for the process.
pub struct App {
    /// As configured.
    pub config: Config,
    /// Keys of callers.
    pub keys: Keyring,
    /// Keys of workers.
    pub worker_keys: WorkerKeys,
    /// The workers.
    pub registry: Registry,
    /// Which upstream made which object.
    pub(crate) objects: ObjectMemory,
    /// Whether the server is about to stop.
    pub drain: Drain,
    /// Discards bodies that no handler reads.
    pub body_memory: BodyMemory,
    /// Discards bodies that nobody reads.
    pub(crate) unread: Unread,
    /// The ledger: open requests, and the counts of all requests.
    pub ledger: Arc<Ledger>,
    /// What the state is read from.
    pub sources: Arc<StateSources>,
    /// The state as events.
    pub feed: Arc<Feed>,
    /// The series that Prometheus scrapes.
    pub(crate) metrics: Arc<ServerMetrics>,
    /// The ids of connected workers.
    pub(crate) worker_ids: WorkerIds,
    /// Limits the log lines about faults of workers: refusals, ids in use, unreadable messages.
    pub(crate) refusal_log: LogLimit,
    /// Limits the log lines about workers that join and leave.
    pub(crate) session_log: LogLimit,
    /// Sessions of workers.
    pub sessions: TaskTracker,
    /// The logs of the process, if their level may be changed over the API.
    pub logs: Option<RunningLogs>,
    /// Makes traces of requests, if they are exported.
    pub tracer: Option<Arc<Tracer>>,
}

impl App {
    /// A server without workers, on the current runtime.
    pub fn new(config: Config, logs: Option<RunningLogs>) -> Self {
        let changes = Changes::default();
        let keys = Keyring::new(&config.keys);
        let worker_keys = WorkerKeys::new(&config.keys);
        let registry = Registry::new(config.queue.clone(), config.routing.alias_fallback, changes.clone());
        let ledger = Arc::new(Ledger::new(changes.clone(), ApiError::CODES));
        let drain = Drain::new(changes.clone());
        let sources = Arc::new(StateSources {
            registry: registry.clone(),
            ledger: ledger.clone(),
            drain: drain.clone(),
            changes,
            started: Instant::now(),
            needs_key: !keys.is_open(),
            workers_need_key: !worker_keys.is_open(),
            logs: logs.clone(),
        });
        let feed = Arc::new(Feed::new(sources.clone()));
        Self {
            keys,
            worker_keys,
            registry,
            unread: Unread::new(drain.stopped().clone()),
            objects: ObjectMemory::default(),
            drain,
            body_memory: BodyMemory::new(config.limits.body_memory),
            worker_ids: WorkerIds::default(),
            refusal_log: LogLimit::new(log_limit::FAULTS),
            session_log: LogLimit::new(log_limit::SESSIONS),
            ledger,
            metrics: Arc::new(ServerMetrics { sources: sources.clone(), feed: feed.clone() }),
            feed,
            sources,
            sessions: TaskTracker::new(),
            logs,
            tracer: Tracer::start(&config.trace, &Service { name: "llamapool-server", instance: None }),
            config,
        }
    }

    /// Opens a ticket for a request.
    pub fn open_ticket(&self, headers: &HeaderMap) -> Box<Ticket> {
        Box::new(Ticket::open(headers, self.ledger.clone()))
    }

    /// How many requests are open.
    pub fn open_requests(&self) -> usize {
        self.ledger.open_requests()
    }
}
