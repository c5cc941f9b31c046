//! How long the server waits for whom.

use std::time::Duration;

use llamapool_worker_core::{
    concern,
    settings::{Setting, kind},
};

/// Peers ping several times in this span; shorter ones would take a busy machine for a dead one.
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(3);

/// Less than this would cut off clients on slow lines.
const SHORTEST_BODY_SILENCE: Duration = Duration::from_secs(1);

concern! {
    /// How long the server waits for whom.
    pub struct Timeouts: "Timeouts" {
        /// Longest wait for the first byte of a reply; large models take minutes to load. 0 waits for ever.
        first_byte: Option<Duration> =
            Setting::new("first_byte_timeout", kind::duration().or_off()).default("10m");

        /// Longest silence between two chunks of a reply. 0 waits for ever.
        chunk: Option<Duration> = Setting::new("request_timeout", kind::duration().or_off()).default("120s");

        /// How long a client may leave what was sent to it unread. A stalled client holds a worker's slot. Linux only; 0 waits for
        /// ever.
        client: Option<Duration> = Setting::new("client_timeout", kind::duration().or_off()).default("5m");

        /// A worker that is silent for so long is lost. It is noticed after two thirds of it at the earliest.
        keepalive: Duration =
            Setting::new("keepalive_timeout", kind::duration().at_least(SHORTEST_KEEPALIVE)).default("15s");

        /// Longest silence of a client that is sending a request body.
        body: Duration =
            Setting::new("body_timeout", kind::duration().at_least(SHORTEST_BODY_SILENCE)).default("60s");
    }
}
