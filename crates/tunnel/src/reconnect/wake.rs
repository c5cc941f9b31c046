//! Detects that the machine resumed from sleep or that its network changed: then an immediate attempt to connect is worthwhile.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use url::Url;

/// How often the clocks and the route are checked while the loop waits. (A session checks the clocks when it reports.)
const LOOK: Duration = Duration::from_secs(2);

/// The wall clock runs on while a machine sleeps, the monotonic clock does not. More than clocks are usually corrected by.
const SLEPT: Duration = Duration::from_secs(10);

/// The wall clock and the monotonic clock, as they were at the last check.
#[derive(Debug)]
pub struct Clocks {
    wall: SystemTime,
    monotonic: Instant,
}

impl Clocks {
    /// Both clocks as they are now.
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

/// Completes when the machine has resumed from sleep, or when packets to `server` leave from another local address than before.
pub(super) async fn woken(server: &Url) {
    let before = source(server).await;
    let mut clocks = Clocks::now();
    loop {
        tokio::time::sleep(LOOK).await;
        if clocks.have_slept() {
            return tracing::info!("Resumed from sleep; reconnecting");
        }
        if source(server).await != before {
            return tracing::info!("The network changed; reconnecting");
        }
    }
}

/// The local address from which packets to the server would leave. Nothing is sent.
async fn source(server: &Url) -> Option<IpAddr> {
    let (host, port) = (server.host_str()?, server.port_or_known_default()?);
    // The same of several addresses each time, in whatever order the resolver says them.
    let address: SocketAddr = tokio::net::lookup_host((host, port)).await.ok()?.min()?;
    let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = tokio::net::UdpSocket::bind(any).await.ok()?;
    socket.connect(address).await.ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_source_of_a_loopback_server_is_loopback() {
        let source = source(&"ws://127.0.0.1:9/".parse().unwrap()).await.unwrap();
        assert!(source.is_loopback());
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
        let waited = tokio::time::timeout(Duration::from_secs(60), woken(&url)).await;
        assert!(waited.is_err(), "it does not end by itself");
    }
}
