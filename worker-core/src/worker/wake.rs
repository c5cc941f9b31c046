//! Notices that the machine has slept or changed its network: then a connection that failed before is worth an immediate try.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use url::Url;

/// How often the clock and the route are looked at, while waiting only.
const LOOK: Duration = Duration::from_secs(2);

/// The wall clock runs on while a machine sleeps, the monotonic one does not. More than clocks are corrected by.
const SLEPT: Duration = Duration::from_secs(10);

/// Ends when the machine has slept, or when the way to `server` leads through another address of this machine than before.
pub(super) async fn woken(server: &Url) {
    let before = source(server).await;
    let (mut wall, mut monotonic) = (SystemTime::now(), Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let slept = wall.elapsed().unwrap_or_default().saturating_sub(monotonic.elapsed());
        if slept > SLEPT {
            return tracing::info!("The machine has slept: connecting at once");
        }
        (wall, monotonic) = (SystemTime::now(), Instant::now());
        if source(server).await != before {
            return tracing::info!("The network has changed: connecting at once");
        }
    }
}

/// The address of ours from which packets to the server would come. Nothing is sent.
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
    async fn nothing_happens_while_nothing_changes() {
        let url = "ws://127.0.0.1:9/".parse().unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(60), woken(&url)).await;
        assert!(waited.is_err(), "it does not end by itself");
    }
}
