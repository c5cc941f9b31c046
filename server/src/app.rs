//! What every request can reach.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use llamapool_worker_core::logs::Level;
use llamapool_worker_core::trace::{Service, Tracer};
use tokio_util::task::TaskTracker;

use crate::accounting::Ledger;
use crate::accounting::ticket::Ticket;
use crate::auth::Keyring;
use crate::body_memory::BodyMemory;
use crate::config::Config;
use crate::drain::Drain;
use crate::pool::Registry;
use crate::state::Feed;

/// The server's state, one for the process.
pub struct App {
    /// As configured.
    pub config: Config,
    /// Keys of those who use the API.
    pub keys: Keyring,
    /// Keys of workers.
    pub worker_keys: Keyring,
    /// The workers.
    pub registry: Registry,
    /// Whether the server is about to stop.
    pub drain: Drain,
    /// For request bodies.
    pub body_memory: BodyMemory,
    /// What happened and happens.
    pub ledger: Arc<Ledger>,
    /// The same as events.
    pub feed: Feed,
    /// When the server started.
    pub started: Instant,
    /// Sessions of workers.
    pub sessions: TaskTracker,
    /// How much is logged, if that is the server's to say.
    pub log_level: Option<Level>,
    /// Makes traces of requests, if somebody collects them.
    pub tracer: Option<Arc<Tracer>>,
    open: TaskTracker,
}

impl App {
    /// A server without workers, on the current runtime.
    pub fn new(config: Config, drain: Drain) -> Self {
        Self {
            keys: Keyring::new(config.keys.api.clone()),
            worker_keys: Keyring::new(config.keys.client.clone()),
            registry: Registry::new(config.queue.clone(), config.routing.alias_fallback),
            drain,
            body_memory: BodyMemory::new(config.limits.body_memory),
            ledger: Arc::default(),
            feed: Feed::default(),
            started: Instant::now(),
            sessions: TaskTracker::new(),
            log_level: None,
            tracer: Tracer::start(&config.trace, &Service { name: "llamapool-server", instance: None }),
            open: TaskTracker::new(),
            config,
        }
    }

    /// Opens a ticket for a request.
    pub fn open_ticket(&self, headers: &HeaderMap) -> Ticket {
        Ticket::open(headers, self.ledger.clone(), self.open.token())
    }

    /// Requests open now.
    pub fn open_requests(&self) -> usize {
        self.open.len()
    }

    /// Waits until no request is open.
    pub async fn idle(&self) {
        self.open.close();
        self.open.wait().await;
    }
}
