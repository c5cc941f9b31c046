//! Limits on requests, and the queue.

use std::time::Duration;

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind};
use llamapool_tunnel::frame::MAX_HEAD;

const KIB: u64 = 1024;
const GIB: u64 = KIB * KIB * KIB;

/// A shorter time would cut off clients with slow connections.
const SHORTEST_HEADER_TIME: Duration = Duration::from_secs(1);

concern! {
    /// Limits on requests.
    pub struct Limits: "Limits" {
        /// Maximum size of a request body. The server keeps it in memory until the response begins, so that it can send it to another worker.
        max_body: usize = Setting::new("max_body", kind::bytes(KIB..=2 * GIB).map(|n| n as usize)).default("100MiB");

        /// Memory for the bodies of all requests that have no response yet or are still being sent. If it is full, new requests get a 503.
        body_memory: usize =
            Setting::new("body_memory", kind::bytes(KIB..=1024 * GIB).map(|n| n as usize)).default("1GiB");

        /// Maximum size of a request's headers. The connection to a worker carries no more than 64 KiB.
        max_headers: usize =
            Setting::new("max_headers", kind::bytes(8 * KIB..=MAX_HEAD as u64).map(|n| n as usize)).default("64KiB");

        /// Maximum number of open requests, including those in the queue.
        max_requests: usize =
            Setting::new("max_requests", kind::count(1..=1_000_000).map(|n| n as usize)).default("10000");

        /// How long a client may take to send a request's headers.
        header_timeout: Duration =
            Setting::new("header_timeout", kind::duration().at_least(SHORTEST_HEADER_TIME)).default("10s");

        /// Maximum number of client connections. The server lowers it to three quarters of the system's limit on open files. Some connections are
        /// reserved for workers and administrators. If all are in use, the one that has been idle longest is closed, first among those without a
        /// valid key.
        max_connections: usize =
            Setting::new("max_connections", kind::count(8..=1_000_000).map(|n| n as usize)).default("10000");

        /// Maximum number of connected workers.
        max_workers: usize =
            Setting::new("max_workers", kind::count(1..=100_000).map(|n| n as usize)).default("1000");
    }
}

concern! {
    /// The queue for a free worker.
    pub struct Queue: "Queue" {
        /// Maximum number of waiting requests per model. With 0, requests never wait.
        size: usize = Setting::new("queue_size", kind::count(0..=100_000).map(|n| n as usize)).default("100");

        /// How long a request may wait for a free worker.
        timeout: Duration = Setting::new("queue_timeout", kind::duration()).default("60s");
    }
}
