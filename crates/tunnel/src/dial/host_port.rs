//! Where to dial: the server's URL, parsed.

use std::net::IpAddr;

use http::Uri;
use rustls::pki_types::ServerName;
use url::Url;

use super::DialError;

/// A host and a port, and whether they use TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    /// The form used in URLs: an IPv6 address is in brackets.
    host: String,
    pub(super) port: u16,
    pub(super) secure: bool,
}

impl HostPort {
    pub(super) fn of(url: &Url) -> Result<Self, DialError> {
        let (secure, usual) = match url.scheme() {
            "ws" | "http" => (false, 80),
            "wss" | "https" => (true, 443),
            other => {
                return Err(DialError::Settings(format!(
                    "SERVER_URL begins with `{other}:`, but must begin with ws:// or wss://"
                )));
            }
        };
        match url.host_str() {
            Some(host) if !host.is_empty() => {
                Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(usual), secure })
            }
            _ => Err(DialError::Settings("SERVER_URL has no host".to_owned())),
        }
    }

    /// The form for a proxy, whose URI has a port or the default one of its scheme.
    pub(super) fn of_proxy(uri: &Uri) -> Result<Self, DialError> {
        let (secure, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("socks5" | "socks5h") => (false, 1080),
            _ => (false, 80),
        };
        let host = uri.host().ok_or_else(|| DialError::Proxy("its address has no host".to_owned()))?;
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(usual), secure })
    }

    /// `host:port`, as in `Host` headers.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The address in the form that connectors and proxy rules expect: always http(s), always with a port.
    pub(super) fn uri(&self) -> Result<Uri, DialError> {
        let scheme = if self.secure { "https" } else { "http" };
        Uri::builder()
            .scheme(scheme)
            .authority(self.authority())
            .path_and_query("/")
            .build()
            .map_err(|_| DialError::Settings(format!("`{}` is not a valid host", self.host)))
    }

    /// The name that the certificate must have.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, DialError> {
        ServerName::try_from(self.bare_host().to_owned()).map_err(|_| {
            DialError::Settings(format!("`{}` is not a name that a certificate can have", self.host))
        })
    }

    /// Whether it is this machine: then no proxy is used, because the proxy would connect to itself.
    pub(super) fn is_loopback(&self) -> bool {
        match self.bare_host().parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The host in the form that resolvers expect: an IPv6 address without brackets.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}
