//! Why a dial failed: whose fault it is, whether trying again soon can help, and what the user can do.

use std::time::Duration;

/// A connection to the server that did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The server does not take our key (401 or 403).
    #[error(
        "the server refuses the key (HTTP {status}){}; compare CLIENT_KEY here and at the server",
        said(*.status, .message)
    )]
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// What the server said about it.
        message: String,
    },
    /// The server, or a proxy before it, answered with an error.
    #[error("the server answers HTTP {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said about it.
        message: String,
        /// How long it asks us to wait (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// Something answers there, but not a llamapool server of this protocol.
    #[error("no llamapool server answers there: {0}; check SERVER_URL")]
    NotLlamapool(String),
    /// Nobody answers: name, network, port, or time.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// No secure connection: usually a certificate that is not trusted.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// The proxy between us and the server does not let us through.
    #[error("the proxy does not let us through: {0}; check HTTPS_PROXY and NO_PROXY")]
    Proxy(String),
    /// What we were told to dial, or to show as key, cannot be used.
    #[error("{0}")]
    Settings(String),
}

/// What a server says of a missing or wrong key is about the keys of its API, which workers have nothing to do with.
fn said(status: u16, message: &str) -> String {
    if status == 401 { String::new() } else { format!(": {}", message.trim_end_matches('.')) }
}

impl DialError {
    /// Whether somebody has to change something first, so that trying again at once is of no use: keep
    /// trying, but slowly. What is no refusal may be over in a second (a restart, a change of network).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unauthorized { .. } | Self::NotLlamapool(_) | Self::Tls(_) | Self::Settings(_) => true,
            // Request Timeout, Too Early and Too Many Requests pass by themselves.
            Self::Refused { status, .. } => (400..500).contains(status) && !matches!(status, 408 | 425 | 429),
            Self::Unreachable(_) | Self::Proxy(_) => false,
        }
    }

    /// How long the server asks us to wait, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
