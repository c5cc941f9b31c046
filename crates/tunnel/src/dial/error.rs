//! Why a dial failed: what is at fault, whether another attempt soon can help, and what the user can do.

use std::time::Duration;

/// Why there is no connection to the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The server rejected the key (401 or 403).
    #[error(
        "the server rejected the worker key (HTTP {status}){}; check CLIENT_KEY here and on the server",
        shown_message(*.status, .message)
    )]
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The message of the server.
        message: String,
    },
    /// The server, or a proxy in front of it, answered with an error.
    #[error("the server responded with HTTP {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The message of the server.
        message: String,
        /// How long the server asks the client to wait (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// Something answered, but not a llamapool server with this protocol.
    #[error("this is not a llamapool server: {0}; check SERVER_URL")]
    NotLlamapool(String),
    /// Nothing answered: a problem with DNS, the network or the port, or a timeout.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// TLS failed: usually the certificate is not trusted.
    #[error("the TLS connection failed: {0}")]
    Tls(String),
    /// The proxy refused the connection.
    #[error("the proxy refused the connection: {0}; check HTTPS_PROXY and NO_PROXY")]
    Proxy(String),
    /// The configured URL or key cannot be used.
    #[error("{0}")]
    Settings(String),
}

/// With 401, the server's message is about its API keys, which are not worker keys: it would mislead.
fn shown_message(status: u16, message: &str) -> String {
    if status == 401 { String::new() } else { format!(": {}", message.trim_end_matches('.')) }
}

impl DialError {
    /// Whether something has to be changed before another attempt can succeed. Keep trying, but slowly.
    /// All other errors may pass within seconds (a restart, a change of network).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unauthorized { .. } | Self::NotLlamapool(_) | Self::Tls(_) | Self::Settings(_) => true,
            // Request Timeout, Too Early and Too Many Requests are temporary.
            Self::Refused { status, .. } => (400..500).contains(status) && !matches!(status, 408 | 425 | 429),
            Self::Unreachable(_) | Self::Proxy(_) => false,
        }
    }

    /// How long the server asks the client to wait, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
