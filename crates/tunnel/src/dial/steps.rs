//! A dial step by step, to find out how far it gets.

use http::Request;
use secrecy::SecretString;
use url::Url;

use super::host_port::HostPort;
use super::{DialError, Dialed, Options, Wire, connect, handshake};

/// The steps of one dial, in order: [`open`](Self::open), [`secure`](Self::secure), [`shake`](Self::shake).
#[derive(Debug)]
pub struct Steps<'a> {
    url: &'a Url,
    options: &'a Options,
    host_port: HostPort,
}

impl<'a> Steps<'a> {
    /// The steps to this address.
    ///
    /// # Errors
    /// The URL has no host.
    pub fn of(url: &'a Url, options: &'a Options) -> Result<Self, DialError> {
        Ok(Self { url, options, host_port: HostPort::of(url)? })
    }

    /// Whether TLS is one of the steps.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.host_port.secure
    }

    /// Whether the address is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host_port.is_loopback()
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> (&str, u16) {
        (self.host_port.bare_host(), self.host_port.port)
    }

    /// The proxy in use, without its password.
    ///
    /// # Errors
    /// The host is invalid.
    pub fn proxy(&self) -> Result<Option<String>, DialError> {
        Ok(self.options.proxy_for(&self.host_port)?.map(|proxy| connect::shown(proxy.uri())))
    }

    /// Opens the TCP connection, through the proxy if there is one.
    ///
    /// # Errors
    /// Nothing listens there, or the proxy refuses.
    pub async fn open(&self) -> Result<Wire, DialError> {
        connect::open(&self.host_port, self.options).await
    }

    /// Adds TLS.
    ///
    /// # Errors
    /// The peer does not speak TLS, or its certificate is not trusted.
    pub async fn secure(&self, wire: Wire) -> Result<Wire, DialError> {
        connect::secure(wire, &self.host_port, self.options.tls()?).await
    }

    /// Adds TLS with any certificate, to look at it.
    ///
    /// # Errors
    /// The peer does not speak TLS.
    #[cfg(feature = "inspect")]
    pub async fn look(&self, wire: Wire) -> Result<Wire, DialError> {
        connect::secure(wire, &self.host_port, crate::tls::looking_config().into()).await
    }

    /// The handshake request.
    ///
    /// # Errors
    /// The address or the key cannot be part of a request.
    pub fn request(&self, bearer: Option<&SecretString>) -> Result<Request<()>, DialError> {
        handshake::request(self.url, &self.host_port, bearer, &self.options.user_agent)
    }

    /// Performs the WebSocket handshake with this request. The server does not register a worker before its hello.
    ///
    /// # Errors
    /// The server refuses, or is not a llamapool server.
    pub async fn shake(&self, wire: Wire, request: Request<()>) -> Result<Dialed, DialError> {
        handshake::shake(wire, request, &self.host_port).await
    }
}
