//! The server a worker connects to.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind, kind::Kind};
use llamapool_tunnel::control::CONNECT_PATH;

/// Peers ping several times in this span. With a shorter one, a busy machine would be considered dead.
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(3);

concern! {
    /// The server the worker connects to, and how it stays connected.
    pub struct Server: "Server" {
        /// URL of the server. `host:port` is enough; use `wss://` or `https://` for TLS.
        url: Url = Setting::new("server_url", server_url()).default("ws://localhost:8080/api/workers/connect");

        /// Worker key, the same as the server's `CLIENT_KEY`.
        client_key: Option<SecretString> =
            Setting::new("client_key", kind::secret().optional()).formerly("worker_key");

        /// PEM file with additional certificates to trust: of a private CA, or self-signed ones of the server or the runtime.
        ca_file: Option<PathBuf> = Setting::new("ca_file", kind::path().optional());

        /// Reconnect when the connection is lost; if off, the worker exits instead.
        reconnect: bool = Setting::new("reconnect", kind::switch()).default("true").short('r');

        /// A server that is silent for this long is considered lost. This is detected after 2/3 of the time at the earliest.
        keepalive_timeout: Duration =
            Setting::new("keepalive_timeout", kind::duration().at_least(SHORTEST_KEEPALIVE)).default("15s");
    }
}

/// A warning if a key is sent to this server unencrypted over a network.
pub fn plaintext_warning(url: &Url) -> Option<String> {
    let is_here = match url.host() {
        Some(url::Host::Ipv4(addr)) => addr.is_loopback(),
        Some(url::Host::Ipv6(addr)) => {
            addr.is_loopback() || addr.to_ipv4_mapped().is_some_and(|addr| addr.is_loopback())
        }
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => true,
    };
    if url.scheme() != "ws" || is_here {
        return None;
    }
    Some(format!(
        "the connection to {} is not encrypted: the worker key, prompts and responses can be intercepted. Use wss:// with TLS in front of the \
         server, or a VPN",
        url.host_str().unwrap_or_default()
    ))
}

impl Server {
    /// A warning if the key is sent to the server unencrypted over a network.
    pub fn plaintext_warning(&self) -> Option<String> {
        self.client_key.as_ref().and_then(|_| plaintext_warning(&self.url))
    }
}

fn server_url() -> Kind<Url> {
    Kind::new(
        "URL",
        "ws://, wss://, http:// or https:// with a host and without user and password, or host:port",
        parse,
    )
    .example("wss://pool.example.com")
}

/// Completes the address of a server as people write it: adds the scheme and the path if they are missing. `None` if it is not an address.
pub fn parse(text: &str) -> Option<Url> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
    let whole = match whole.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => whole,
    };
    let fits = |url: &Url| {
        matches!(url.scheme(), "ws" | "wss")
            && url.has_host()
            && url.fragment().is_none()
            && kind::has_no_login(url)
    };
    let mut url = Url::parse(&whole).ok().filter(fits)?;
    if matches!(url.path(), "" | "/") {
        url.set_path(CONNECT_PATH);
    }
    Some(url)
}
