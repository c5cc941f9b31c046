//! Dialing the server: from a URL to an open WebSocket, through whatever proxy and TLS lie between.

mod error;
mod tune;
mod wire;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use secrecy::SecretString;
use tokio_tungstenite::WebSocketStream;
use url::Url;

pub use error::DialError;
pub use tune::{tune, websocket_config};
pub use wire::Wire;

/// What does not change from one dial to the next. Keep it: it holds what is costly to build.
#[derive(Debug, Default)]
pub struct Options {
    extra_ca: Option<PathBuf>,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Options {
    /// `extra_ca` names a PEM file with certificates to trust beside the system's.
    #[must_use]
    pub fn new(extra_ca: Option<PathBuf>) -> Self {
        Self { extra_ca, tls: OnceLock::new() }
    }
}

/// An open connection to a server that speaks our protocol.
#[derive(Debug)]
pub struct Dialed {
    /// The WebSocket, subprotocol agreed.
    pub socket: WebSocketStream<Wire>,
    /// The server's version, where it tells (`x-llamapool-version`).
    pub server_version: Option<String>,
}

/// Connects to `url` (`ws://` or `wss://`).
///
/// # Errors
/// Says whose fault it is and whether trying again soon can help, see [`DialError::is_refusal`].
pub async fn dial(
    _url: &Url,
    _bearer: Option<&SecretString>,
    options: &Options,
) -> Result<Dialed, DialError> {
    let _ = (&options.extra_ca, &options.tls);
    Err(DialError::Unreachable("not yet written".to_owned()))
}
