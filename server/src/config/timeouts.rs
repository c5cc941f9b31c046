//! Timeouts.

use std::time::Duration;

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind};

/// Peers ping several times in this span. With a shorter one, a busy machine would be considered dead.
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(3);

/// A shorter time would close connections between the requests of one client.
const SHORTEST_IDLE: Duration = Duration::from_secs(1);

/// A shorter time would cut off clients with slow connections.
const SHORTEST_BODY_SILENCE: Duration = Duration::from_secs(1);

concern! {
    /// Timeouts.
    pub struct Timeouts: "Timeouts" {
        /// Longest wait for the first byte of a response, over all attempts at different workers together. Large models take minutes to load. 0
        /// disables the timeout.
        first_byte: Option<Duration> =
            Setting::new("first_byte_timeout", kind::duration().or_off()).default("10m");

        /// Longest silence between two chunks of a response. 0 disables the timeout.
        chunk: Option<Duration> = Setting::new("request_timeout", kind::duration().or_off()).default("120s");

        /// How often a comment is sent in an event stream while there is nothing else to send: in the queue, until the first token, and between
        /// tokens. Proxies cut connections that are silent for 60 to 100 s. A request that waits for longer than this gets the head of its stream;
        /// if it fails later, the error is an event in the stream. 0 disables the comments.
        heartbeat: Option<Duration> = Setting::new("stream_heartbeat", kind::duration().or_off()).default("15s");

        /// How long a client may leave sent data unread. A stalled client occupies a worker's slot. Linux only. 0 disables the timeout.
        client: Option<Duration> = Setting::new("client_timeout", kind::duration().or_off()).default("5m");

        /// How long a client's connection is kept open between requests. It must be longer than a reverse proxy's own idle timeout (nginx: 60
        /// seconds), because a request that arrives while the connection is being closed is lost.
        idle: Duration = Setting::new("idle_timeout", kind::duration().at_least(SHORTEST_IDLE)).default("90s");

        /// A worker that is silent for this long is considered lost. This is detected after 2/3 of the time at the earliest.
        keepalive: Duration =
            Setting::new("keepalive_timeout", kind::duration().at_least(SHORTEST_KEEPALIVE)).default("15s");

        /// Longest silence of a client that is sending a request body.
        body: Duration =
            Setting::new("body_timeout", kind::duration().at_least(SHORTEST_BODY_SILENCE)).default("60s");
    }
}
