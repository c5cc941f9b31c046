//! The configuration of the server.

mod cors;
mod endpoints;
mod keys;
mod limits;
mod listen;
mod retired;
mod routing;
mod timeouts;

use std::net::SocketAddr;

use llamapool_worker_core::{
    logs, metrics,
    settings::{self, Concern, DrainTimeout, Reader, Retired},
    trace,
};

pub use self::{
    cors::{Cors, Origin},
    endpoints::EndpointConfig,
    keys::Keys,
    limits::{Limits, Queue},
    listen::Listen,
    routing::{AliasFallback, Routing},
    timeouts::Timeouts,
};

/// Everything the server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// Who is let in.
    pub keys: Keys,
    /// Which other sites' pages may use it.
    pub cors: Cors,
    /// How much of everything it takes.
    pub limits: Limits,
    /// What waits for a free worker.
    pub queue: Queue,
    /// How long it waits for whom.
    pub timeouts: Timeouts,
    /// Which worker gets a request.
    pub routing: Routing,
    /// Static HTTP endpoints that take part in the pool.
    pub endpoints: Vec<EndpointConfig>,
    /// How long open requests may go on when it is told to stop; 5 minutes by default.
    pub drain_timeout: DrainTimeout,
    /// Where its metrics are.
    pub metrics: metrics::Config,
    /// What it logs.
    pub log: logs::Config,
    /// Where traces of requests go.
    pub trace: trace::Config,
}

impl Config {
    /// A configuration for tests: any free port of the loopback interface, no keys.
    pub fn for_testing() -> Self {
        let mut config = Self::default();
        config.listen.port = 0;
        config
    }

    /// The addresses to listen on, the next one only if this machine cannot have the former. Without an address in
    /// the settings that is loopback, and everything once both sides need a key or anonymous access was asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listen.addresses(self.keys.guard_everything())
    }

    /// Whether only this machine reaches the server.
    pub fn is_at_home(&self) -> bool {
        self.listen.is_at_home(self.keys.guard_everything())
    }
}

impl Concern for Config {
    fn read(from: &mut Reader<'_>) -> Self {
        let mut config = Self {
            listen: Listen::read(from),
            keys: Keys::read(from),
            cors: Cors::read(from),
            limits: Limits::read(from),
            queue: Queue::read(from),
            timeouts: Timeouts::read(from),
            routing: Routing::read(from),
            endpoints: Vec::new(),
            drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("5m")),
            metrics: metrics::Config::read(from),
            log: logs::Config::read(from),
            trace: trace::Config::read(from),
        };
        if config.metrics.addr.is_some_and(|addr| addr.port() == config.listen.port && addr.port() != 0) {
            config.metrics.addr = None;
            from.warn("metrics_port is the API's own port: metrics are there, and need the API's key");
        }
        if config.limits.body_memory < config.limits.max_body {
            from.refuse("body_memory is less than max_body: no request of that size could ever be served");
        }
        if let Some(addr) = config.listen.is_open_to_strangers(config.keys.guard_everything()) {
            from.refuse(format!(
                "listen_addr {addr} is open to other machines, but {}: set both API_KEY and CLIENT_KEY, or listen \
                 on 127.0.0.1, or say --allow-anonymous if everybody may use the pool",
                config.keys.missing()
            ));
        }
        config
    }
}

impl settings::Config for Config {
    const PROGRAM: &'static str = "llamapool-server";
    const ABOUT: &'static str = "Your own machines behind one OpenAI-compatible API.";
    const RETIRED: &'static [Retired] = retired::RETIRED;
}

impl Default for Config {
    fn default() -> Self {
        settings::defaults()
    }
}

#[cfg(test)]
mod tests;
