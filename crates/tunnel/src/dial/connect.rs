//! From host and port to a byte stream: TCP, a proxy if one is set, TLS if required.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower::{Service, ServiceExt};

use super::host_port::HostPort;
use super::{DialError, Options, Wire, tune};

/// Timeout for resolving and connecting, for all addresses of the host together, and for the proxy's response.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout for each handshake on an open connection (TLS, WebSocket): a silent peer must not block us.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a connection, directly or through the configured proxy, without TLS.
pub(super) async fn open(host_port: &HostPort, options: &Options) -> Result<Wire, DialError> {
    match options.proxy_for(host_port)? {
        None => direct(host_port, options.keepalive_timeout).await,
        Some(proxy) => through(&proxy, host_port, options).await,
    }
}

async fn direct(host_port: &HostPort, keepalive_timeout: Duration) -> Result<Wire, DialError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let socket = match timeout(CONNECT_TIMEOUT, tcp.call(host_port.uri()?)).await {
        Err(_) => return Err(slow(&format!("connect to {}", host_port.authority()))),
        Ok(Err(error)) => {
            return Err(DialError::Unreachable(format!("{}: {}", host_port.authority(), root_cause(&error))));
        }
        Ok(Ok(socket)) => socket.into_inner(),
    };
    tune(&socket, keepalive_timeout);
    Ok(Wire::Plain(socket))
}

/// Connects through the proxy, and then speaks to the server through it.
async fn through(proxy: &Intercept, host_port: &HostPort, options: &Options) -> Result<Wire, DialError> {
    let at = HostPort::of_proxy(proxy.uri())?;
    let tls = if at.secure { Some(options.tls()?) } else { None };
    let keepalive_timeout = options.keepalive_timeout;
    let leg = tower::service_fn(move |_: Uri| leg_to_proxy(at.clone(), tls.clone(), keepalive_timeout));
    let target = host_port.uri()?;
    let reply = match proxy.uri().scheme_str() {
        Some("http" | "https") | None => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), leg);
            if let Some(credentials) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credentials.clone());
            }
            wait(tunnel.oneshot(target)).await
        }
        // The proxy resolves the name, also for `socks5`: resolving it here would block the thread.
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(proxy.uri().clone(), leg);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            wait(socks.oneshot(target)).await
        }
        Some(other) => Err(format!("`{other}` proxies are not supported; use http, https or socks5")),
    };
    reply.map_err(|reason| DialError::Proxy(format!("{reason} (proxy {})", shown(proxy.uri()))))
}

/// Waits for a proxy's response; errors are sentences.
async fn wait<E: Error + 'static>(
    answer: impl Future<Output = Result<TokioIo<Wire>, E>>,
) -> Result<Wire, String> {
    match timeout(CONNECT_TIMEOUT + HANDSHAKE_TIMEOUT, answer).await {
        Err(_) => Err("it does not respond in time".to_owned()),
        Ok(Ok(wire)) => Ok(wire.into_inner()),
        Ok(Err(error)) => Err(root_cause(&error)),
    }
}

async fn leg_to_proxy(
    at: HostPort,
    tls: Option<Arc<ClientConfig>>,
    keepalive_timeout: Duration,
) -> io::Result<TokioIo<Wire>> {
    let leg = async {
        let wire = direct(&at, keepalive_timeout).await?;
        match tls {
            Some(tls) => secure(wire, &at, tls).await,
            None => Ok(wire),
        }
    };
    leg.await.map(TokioIo::new).map_err(|fault| match fault {
        DialError::Unreachable(why) | DialError::Tls(why) => io::Error::other(why),
        other => io::Error::other(other.to_string()),
    })
}

/// TLS on an open connection.
pub(super) async fn secure(
    wire: Wire,
    host_port: &HostPort,
    tls: Arc<ClientConfig>,
) -> Result<Wire, DialError> {
    let shaking = TlsConnector::from(tls).connect(host_port.server_name()?, wire);
    match timeout(HANDSHAKE_TIMEOUT, shaking).await {
        Err(_) => Err(slow(&format!("finish the TLS handshake with {}", host_port.authority()))),
        Ok(Ok(stream)) => Ok(Wire::Secured(Box::new(stream))),
        Ok(Err(error)) => Err(tls_fault(&error, host_port)),
    }
}

fn tls_fault(error: &io::Error, host_port: &HostPort) -> DialError {
    let at = host_port.authority();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        None => DialError::Unreachable(format!("{at}: connection lost in the TLS handshake: {error}")),
        Some(rustls::Error::InvalidCertificate(fault)) => DialError::Tls(format!(
            "the certificate of {at} is not trusted ({fault}); if it was issued by your own CA, set CA_FILE to its certificate"
        )),
        Some(rustls::Error::InvalidMessage(_)) => {
            DialError::Tls(format!("{at} does not speak TLS; is it ws:// instead of wss://?"))
        }
        Some(fault) => DialError::Tls(format!("{at}: {fault}")),
    }
}

fn slow(what: &str) -> DialError {
    DialError::Unreachable(format!("could not {what} within {} s", CONNECT_TIMEOUT.as_secs()))
}

/// The innermost error: outer ones only say "connect error" or similar.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    anyhow::Chain::new(error).next_back().unwrap_or(error).to_string()
}

/// A proxy's address without its password.
pub(super) fn shown(uri: &Uri) -> String {
    format!(
        "{}://{}{}",
        uri.scheme_str().unwrap_or("http"),
        uri.host().unwrap_or("?"),
        uri.port().map(|port| format!(":{port}")).unwrap_or_default()
    )
}
