//! The address and port to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use llamapool_settings::{
    Concern, Reader, Setting,
    kind::{self, Kind},
};

/// The address and port to listen on.
///
/// Not a `concern!`, because `listen_addr` may include the port, such as `0.0.0.0:8080`.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address to listen on; without one, see [`Config::addresses`](super::Config::addresses).
    pub addr: Option<IpAddr>,
    /// Port, 8080 by default; 0 for any free port.
    pub port: u16,
    /// Whether the server may listen on all interfaces without keys.
    pub allow_anonymous: bool,
}

/// The default port.
const PORT: u16 = 8080;

impl Concern for Listen {
    fn read(from: &mut Reader<'_>) -> Self {
        from.concern("Listening");
        let (addr, port_there) = from.read(
            Setting::new("listen_addr", listen_addr())
                .default_words("loopback; all interfaces if the API and the workers have keys, or if `allow_anonymous` is on")
                .doc("Address to listen on. `host:port` also sets the port, unless `port` is set."),
        );
        let port = from.read(
            Setting::new("port", kind::port().optional())
                .default_words("8080")
                .doc("Port to listen on; 0 for any free port."),
        );
        let allow_anonymous = from
            .read(Setting::new("allow_anonymous", kind::switch()).default("false").doc(
            "Accept requests from anyone who can reach the server, even without keys and on all interfaces.",
        ));
        Self { addr, port: port.or(port_there).unwrap_or(PORT), allow_anonymous }
    }
}

impl Listen {
    /// The addresses to listen on, in the order to try.
    pub(super) fn addresses(&self, guarded: bool) -> Vec<SocketAddr> {
        let ips = match self.addr {
            Some(addr) => vec![addr],
            // The first accepts IPv4 as well; the second is for machines without IPv6.
            None if self.is_for_others(guarded) => {
                vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]
            }
            None => vec![Ipv4Addr::LOCALHOST.into()],
        };
        ips.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect()
    }

    /// Whether these addresses are reachable from this machine only.
    pub(super) fn is_on_loopback(&self, guarded: bool) -> bool {
        self.addr.map_or_else(|| !self.is_for_others(guarded), |addr| addr.is_loopback())
    }

    /// Whether other machines may reach the server: keys keep strangers out, or anonymous access is allowed.
    fn is_for_others(&self, guarded: bool) -> bool {
        guarded || self.allow_anonymous
    }

    /// The address, if other machines can reach it and nothing keeps strangers out.
    pub(super) fn is_open_to_strangers(&self, guarded: bool) -> Option<IpAddr> {
        self.addr.filter(|addr| !addr.is_loopback() && !self.is_for_others(guarded))
    }
}

/// `ip`, `ip:port` or `:port`.
fn listen_addr() -> Kind<(Option<IpAddr>, Option<u16>)> {
    Kind::new(
        "ADDRESS",
        "an IP address, with or without a port: 127.0.0.1, 0.0.0.0:8080, [::1]:8080",
        |text| {
            if text.is_empty() {
                return Some((None, None));
            }
            if let Some(port) = text.strip_prefix(':').filter(|rest| !rest.starts_with(':')) {
                return Some((None, Some(port.parse().ok()?)));
            }
            let text = match text.strip_prefix("localhost") {
                Some(rest) => format!("127.0.0.1{rest}"),
                None => text.to_owned(),
            };
            let whole = text.parse::<SocketAddr>().ok().map(|addr| (Some(addr.ip()), Some(addr.port())));
            let bare = text.trim_start_matches('[').trim_end_matches(']');
            whole.or_else(|| Some((Some(bare.parse().ok()?), None)))
        },
    )
}
