//! A dial step by step, for those who want to know how far it gets.

use http::Request;
use secrecy::SecretString;
use url::Url;

use super::host_port::HostPort;
use super::{DialError, Dialed, Options, Wire, connect, handshake};

/// The steps of one dial, in their order: [`open`](Self::open), [`secure`](Self::secure), [`shake`](Self::shake).
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
    /// The URL names no host.
    pub fn of(url: &'a Url, options: &'a Options) -> Result<Self, DialError> {
        Ok(Self { url, options, host_port: HostPort::of(url)? })
    }

    /// Whether TLS is one of them.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.host_port.secure
    }

    /// Whether it is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host_port.is_loopback()
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> (&str, u16) {
        (self.host_port.bare_host(), self.host_port.port)
    }

    /// The proxy on the way, without its password.
    ///
    /// # Errors
    /// If the host is none.
    pub fn proxy(&self) -> Result<Option<String>, DialError> {
        Ok(self.options.proxy_for(&self.host_port)?.map(|proxy| connect::shown(proxy.uri())))
    }

    /// TCP, through the proxy if there is one.
    ///
    /// # Errors
    /// Nobody answers, or the proxy says no.
    pub async fn open(&self) -> Result<Wire, DialError> {
        connect::open(&self.host_port, self.options).await
    }

    /// TLS on it.
    ///
    /// # Errors
    /// It is not spoken there, or the certificate is not trusted.
    pub async fn secure(&self, wire: Wire) -> Result<Wire, DialError> {
        connect::secure(wire, &self.host_port, self.options.tls()?).await
    }

    /// TLS with whoever it is, to look at the certificate.
    ///
    /// # Errors
    /// It is not spoken there.
    #[cfg(feature = "inspect")]
    pub async fn look(&self, wire: Wire) -> Result<Wire, DialError> {
        connect::secure(wire, &self.host_port, crate::tls::looking_config().into()).await
    }

    /// The request for the tunnel.
    ///
    /// # Errors
    /// The address or the key cannot stand in a request.
    pub fn request(&self, bearer: Option<&SecretString>) -> Result<Request<()>, DialError> {
        handshake::request(self.url, &self.host_port, bearer, &self.options.user_agent)
    }

    /// The WebSocket handshake with this request. A server sees no worker in it before that introduces itself.
    ///
    /// # Errors
    /// The server says no, or is none of ours.
    pub async fn shake(&self, wire: Wire, request: Request<()>) -> Result<Dialed, DialError> {
        handshake::shake(wire, request, &self.host_port).await
    }
}
