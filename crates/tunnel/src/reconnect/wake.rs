//! Detects that the machine resumed from sleep or that its network changed: then it is worth connecting immediately.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use url::Url;

/// How often the clocks and the route are checked while the loop waits. (A session checks the clocks when it reports.)
const LOOK: Duration = Duration::from_secs(2);

/// How soon a name that could not be resolved is resolved again: at first, and at most. A machine without a network cannot use the name, and
/// every worker of a pool asks for it while its server is down.
const LOOKUP: Duration = Duration::from_secs(4);
const MAX_LOOKUP: Duration = Duration::from_secs(300);

/// During sleep the wall clock continues, the monotonic clock does not. The difference is larger than usual clock corrections.
const SLEPT: Duration = Duration::from_secs(10);

/// The wall clock and the monotonic clock at the last check.
#[derive(Debug)]
pub struct Clocks {
    wall: SystemTime,
    monotonic: Instant,
}

impl Clocks {
    /// Both clocks now.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    /// Whether the machine has slept since the last check.
    pub fn have_slept(&mut self) -> bool {
        let before = std::mem::replace(self, Self::now());
        let passed = self.wall.duration_since(before.wall).unwrap_or_default();
        passed.saturating_sub(self.monotonic - before.monotonic) > SLEPT
    }
}

/// The route to the server. It keeps the last address of the server's name, so that the route can be checked without resolving it again.
#[derive(Debug, Default)]
pub(super) struct Route {
    address: Option<SocketAddr>,
}

impl Route {
    /// Completes when the machine has resumed from sleep, or when packets to `server` leave from another local address than before.
    pub(super) async fn woken(&mut self, server: &Url) {
        self.woken_by(|| resolve(server)).await;
    }

    async fn woken_by<F>(&mut self, resolve: impl Fn() -> F)
    where
        F: Future<Output = Option<SocketAddr>>,
    {
        if self.address.is_none() {
            self.address = resolve().await;
        }
        let mut before = self.source().await;
        let mut clocks = Clocks::now();
        let (mut next_lookup, mut lookup_wait) = (Instant::now() + LOOKUP, LOOKUP);
        loop {
            tokio::time::sleep(LOOK).await;
            if clocks.have_slept() {
                return tracing::info!("Resumed from sleep; reconnecting");
            }
            if self.address.is_none() && Instant::now() >= next_lookup {
                self.address = resolve().await;
                lookup_wait = (lookup_wait * 2).min(MAX_LOOKUP);
                next_lookup = Instant::now() + lookup_wait;
            }
            let now = self.source().await;
            // Losing the route is no reason to connect immediately.
            if now != before && now.is_some() {
                return tracing::info!("The network changed; reconnecting");
            }
            before = now;
        }
    }

    /// The local address from which packets to the server would leave. Nothing is sent.
    async fn source(&self) -> Option<IpAddr> {
        let address = self.address?;
        let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = tokio::net::UdpSocket::bind(any).await.ok()?;
        socket.connect(address).await.ok()?;
        Some(socket.local_addr().ok()?.ip())
    }
}

/// An address of the server: always the same one of several, regardless of the order in which the resolver returns them.
async fn resolve(server: &Url) -> Option<SocketAddr> {
    let (host, port) = (server.host_str()?, server.port_or_known_default()?);
    // URLs have brackets around IPv6 addresses, resolvers expect none.
    let host = host.trim_matches(['[', ']']);
    tokio::net::lookup_host((host, port)).await.ok()?.min()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_source_of_a_loopback_server_is_loopback() {
        for server in ["ws://127.0.0.1:9/", "ws://[::ffff:127.0.0.1]:9/"] {
            let route = Route { address: resolve(&server.parse().unwrap()).await };
            assert!(route.address.is_some(), "{server}");
        }
        let route = Route { address: resolve(&"ws://127.0.0.1:9/".parse().unwrap()).await };
        assert!(route.source().await.unwrap().is_loopback());
    }

    /// How often the name is resolved during one wait of an hour, if the result is `address`.
    async fn lookups_in_an_hour(route: &mut Route, address: Option<SocketAddr>) -> u32 {
        let asked = Cell::new(0);
        let resolve = || {
            asked.set(asked.get() + 1);
            std::future::ready(address)
        };
        let waited = tokio::time::timeout(Duration::from_secs(3_600), route.woken_by(resolve)).await;
        assert!(waited.is_err(), "nothing has changed");
        asked.get()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_once_and_seldom_while_it_cannot_be() {
        let mut route = Route::default();
        let failing = lookups_in_an_hour(&mut route, None).await;
        assert!((10..=20).contains(&failing), "{failing}");
        let here = SocketAddr::from(([127, 0, 0, 1], 9));
        assert_eq!(lookups_in_an_hour(&mut route, Some(here)).await, 1);
        assert_eq!(lookups_in_an_hour(&mut route, Some(here)).await, 0, "it is kept over waits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_can_be_looked_up_again_ends_the_wait() {
        let asked = Cell::new(0);
        let resolve = || {
            asked.set(asked.get() + 1);
            std::future::ready((asked.get() > 2).then(|| SocketAddr::from(([127, 0, 0, 1], 9))))
        };
        tokio::time::timeout(Duration::from_secs(60), Route::default().woken_by(resolve)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_has_slept_if_only_the_wall_clock_went_on() {
        let minute = Duration::from_secs(60);
        let mut slept = Clocks { wall: SystemTime::now() - minute, ..Clocks::now() };
        assert!(slept.have_slept());
        assert!(!slept.have_slept(), "it is said once");
        let mut put_back = Clocks { wall: SystemTime::now() + minute, ..Clocks::now() };
        assert!(!put_back.have_slept());
        let mut waited = Clocks { wall: SystemTime::now() - minute, ..Clocks::now() };
        tokio::time::advance(minute).await;
        assert!(!waited.have_slept(), "both went on");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_happens_while_nothing_changes() {
        let url = "ws://127.0.0.1:9/".parse().unwrap();
        let mut route = Route::default();
        let waited = tokio::time::timeout(Duration::from_secs(60), route.woken(&url)).await;
        assert!(waited.is_err(), "it does not end by itself");
    }
}
