//! Socket and WebSocket options of the tunnel, for both ends.

use std::time::Duration;

use socket2::SockRef;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Unsent bytes in the kernel above which the socket is not writable: a small request cannot overtake what is queued there.
/// 32 KiB measured best on a slow link (64 ms instead of 185 ms next to a bulk upload).
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOTSENT_LOWAT: u32 = 32 * 1024;
/// The WebSocket library zeroes its whole read buffer before each read: its default of 128 KiB costs 0.6 us each time.
const READ_BUFFER: usize = 16 * 1024;
/// Largest message accepted from a peer; ours have at most 128 KiB.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Sets the options of a TCP socket: no delay for small writes, detection of a dead peer, little data queued in the kernel.
///
/// If data is not acknowledged for `keepalive_timeout`, the peer counts as lost, just as after silence of that length. Systems that lack an option
/// work without it.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    expect(unused_variables, reason = "Linux has this setting")
)]
pub fn tune<'s, S>(socket: &'s S, keepalive_timeout: Duration)
where
    SockRef<'s>: From<&'s S>,
{
    let socket = SockRef::from(socket);
    let _ = socket.set_tcp_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _ = socket.set_tcp_user_timeout(Some(keepalive_timeout));
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

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn unacknowledged_bytes_and_silence_have_the_same_limit() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for seconds in [3, 15, 600] {
            tune(&socket, Duration::from_secs(seconds));
            let limit = SockRef::from(&socket).tcp_user_timeout().unwrap();
            assert_eq!(limit, Some(Duration::from_secs(seconds)));
        }
    }
}
