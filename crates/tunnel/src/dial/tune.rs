//! How sockets and WebSockets of the tunnel are set, at both ends.

use socket2::SockRef;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Unacknowledged bytes for this long mean that the peer is gone, where the tunnel's own keepalive has not said so before.
#[cfg(any(target_os = "linux", target_os = "android"))]
const USER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
/// Unsent bytes in the kernel beyond which the socket is not writable: what is queued there cannot be overtaken by a
/// small request. 32 KiB measured best on a slow link (64 ms instead of 185 ms beside a bulk upload).
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOTSENT_LOWAT: u32 = 32 * 1024;
/// The WebSocket library clears its whole read buffer before each read: its default of 128 KiB costs 0.6 us a time.
const READ_BUFFER: usize = 16 * 1024;
/// Largest message taken from a peer; ours have 128 KiB at most.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Sets a TCP socket up for the tunnel: no delay for small writes, a dead peer noticed, little queued in the kernel.
///
/// Each setting is a wish: on systems that lack it the tunnel works all the same.
pub fn tune<'s, S>(socket: &'s S)
where
    SockRef<'s>: From<&'s S>,
{
    let socket = SockRef::from(socket);
    let _ = socket.set_tcp_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
        let _ = socket.set_tcp_notsent_lowat(NOTSENT_LOWAT);
    }
}

/// The WebSocket settings of the tunnel, for both ends.
#[must_use]
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0) // the tunnel writes whole batches and flushes them itself
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}
