//! Dials the server: from a URL to an open WebSocket, through proxies and TLS.
//!
//! `host_port` (the address) → `connect` (TCP, proxy, TLS) → `handshake` (WebSocket, subprotocol, key); `steps` runs these one by one.

mod connect;
mod error;
mod handshake;
mod host_port;
mod steps;
mod tune;
mod wire;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio_tungstenite::WebSocketStream;
use url::Url;

use host_port::HostPort;

pub use error::DialError;
pub use steps::Steps;
pub use tune::{tune, websocket_config};
pub use wire::Wire;

/// The header with which a llamapool server states its version, on every response. Runtimes never send it, so a worker
/// that looks for runtimes on its own machine can tell a llamapool server from a runtime.
pub const VERSION_HEADER: &str = "x-llamapool-version";

/// How long a peer may be silent by default, as in the setting's default.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// An open connection to a server that speaks our protocol.
#[derive(Debug)]
pub struct Dialed {
    /// The WebSocket, with the subprotocol agreed.
    pub socket: WebSocketStream<Wire>,
    /// The server's version, if it sends one (`x-llamapool-version`).
    pub server_version: Option<String>,
    /// The server's time as it sent it (`Date`), if it does.
    pub date: Option<String>,
}

/// Connects to `url` (`ws://` or `wss://`; `http` and `https` mean the same).
///
/// Takes at most half a minute: every step has its own time limit. Dropping the future stops it.
///
/// # Errors
/// Says what failed and whether trying again soon can help, see [`DialError::is_refusal`].
pub async fn dial(url: &Url, bearer: Option<&SecretString>, options: &Options) -> Result<Dialed, DialError> {
    let steps = Steps::of(url, options)?;
    let request = steps.request(bearer)?;
    let wire = Box::pin(steps.open()).await?;
    let wire = if steps.is_secure() { Box::pin(steps.secure(wire)).await? } else { wire };
    steps.shake(wire, request).await
}

/// What stays the same from one dial to the next. Keep it: it caches what is costly to build.
#[derive(Debug)]
pub struct Options {
    extra_ca: Option<PathBuf>,
    user_agent: String,
    proxies: Matcher,
    keepalive_timeout: Duration,
    /// Built at the first `wss://` dial, so that `ws://` does not pay for it.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Options {
    /// Proxies from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`);
    /// `extra_ca` is a PEM file with certificates to trust besides the system's.
    #[must_use]
    pub fn new(extra_ca: Option<PathBuf>) -> Self {
        Self {
            extra_ca,
            user_agent: concat!("llamapool-worker/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies: Matcher::from_env(),
            keepalive_timeout: KEEPALIVE_TIMEOUT,
            tls: OnceLock::new(),
        }
    }

    /// Sets another `User-Agent` than the worker's.
    #[must_use]
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        Self { user_agent: user_agent.into(), ..self }
    }

    /// How long the server may be silent before it counts as lost, see [`tune()`].
    #[must_use]
    pub fn keepalive_timeout(self, keepalive_timeout: Duration) -> Self {
        Self { keepalive_timeout, ..self }
    }

    /// Sets other proxies than those of the environment.
    #[must_use]
    pub fn proxies(self, proxies: Matcher) -> Self {
        Self { proxies, ..self }
    }

    fn proxy_for(&self, host_port: &HostPort) -> Result<Option<Intercept>, DialError> {
        if host_port.is_loopback() {
            return Ok(None);
        }
        Ok(self.proxies.intercept(&host_port.uri()?))
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, DialError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let built = crate::tls::client_config(self.extra_ca.as_deref())
            .map_err(|fault| DialError::Tls(format!("{fault:#}")))?;
        let mut config = ClientConfig::clone(&built);
        config.alpn_protocols = vec![b"http/1.1".to_vec()]; // config.alpn_protocols = vec![b"http/1.1".to_vec()]; // WebSocket needs it; some proxies would select HTTP/2
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new(None)
    }
}

#[cfg(test)]
mod tests;
