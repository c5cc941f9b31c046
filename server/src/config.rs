//! The configuration of the server.

mod compare;
mod cors;
mod endpoints;
mod keys;
mod limits;
mod listen;
mod retired;
mod routing;
mod timeouts;

use std::net::SocketAddr;

use llamapool_settings::{self as settings, Concern, DrainTimeout, Reader, Retired};
use llamapool_telemetry::logs;
use llamapool_telemetry::metrics;
use llamapool_telemetry::trace;

pub use self::{
    cors::{Cors, Origin},
    endpoints::EndpointConfig,
    keys::Keys,
    limits::{Limits, Queue},
    listen::Listen,
    routing::{AliasFallback, Routing},
    timeouts::Timeouts,
};

/// All settings of the server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address and port to listen on.
    pub listen: Listen,
    /// The keys of callers and workers.
    pub keys: Keys,
    /// Cross-origin requests (CORS).
    pub cors: Cors,
    /// Limits on requests.
    pub limits: Limits,
    /// The queue for a free worker.
    pub queue: Queue,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// The choice of a worker.
    pub routing: Routing,
    /// Static HTTP endpoints that take part in the pool.
    pub endpoints: Vec<EndpointConfig>,
    /// How long open requests may continue after a shutdown was requested; 5 minutes by default.
    pub drain_timeout: DrainTimeout,
    /// Metrics.
    pub metrics: metrics::MetricsConfig,
    /// Logs.
    pub log: logs::LogConfig,
    /// Traces of requests.
    pub trace: trace::TraceConfig,
}

impl Config {
    /// A configuration for tests: any free port on loopback, no keys.
    pub fn for_testing() -> Self {
        let mut config = Self::default();
        config.listen.port = 0;
        config
    }

    /// The addresses to try, in this order; the server listens on the first that works. Without `listen_addr` it is loopback, or all interfaces if
    /// callers and workers need keys or if anonymous access is allowed.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listen.addresses(self.keys.guard_everything())
    }

    /// A warning if keys travel over the network without encryption.
    fn plaintext_warning(&self) -> Option<String> {
        let has_keys = self.keys.guard_api() || !self.keys.client.is_empty();
        (has_keys && !self.listens_on_loopback()).then(|| {
            "the server is reachable from other machines without TLS: keys, prompts and responses can be intercepted. Put a reverse proxy with \
             TLS in front of it and listen on 127.0.0.1 (docs/tunnel.md, \"Reverse proxies\"), or use a VPN"
                .to_owned()
        })
    }

    /// Whether the server is reachable from this machine only.
    pub fn listens_on_loopback(&self) -> bool {
        self.listen.is_on_loopback(self.keys.guard_everything())
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
            endpoints: endpoints::read(from),
            drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("5m")),
            metrics: metrics::MetricsConfig::read(from),
            log: logs::LogConfig::read(from),
            trace: trace::TraceConfig::read(from),
        };
        if config.metrics.addr.is_some_and(|addr| addr.port() == config.listen.port && addr.port() != 0) {
            config.metrics.addr = None;
            from.warn("metrics_port is the same as the API's own port: metrics are served there and need an API key");
        }
        if config.limits.body_memory < config.limits.max_body {
            from.refuse("body_memory is less than max_body: requests of that size could never be accepted");
        }
        if let Some(mistake) = config.keys.duplicate() {
            from.refuse(mistake);
        }
        if let Some(addr) = config.listen.is_open_to_strangers(config.keys.guard_everything()) {
            from.refuse(format!(
                "listen_addr {addr} is reachable from other machines, but {}: set both API_KEY and CLIENT_KEY, listen on 127.0.0.1, or use \
                 --allow-anonymous to let everyone use the pool",
                config.keys.missing()
            ));
        }
        if let Some(warning) = config.plaintext_warning() {
            from.warn(warning);
        }
        config
    }
}

impl settings::ProgramConfig for Config {
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
