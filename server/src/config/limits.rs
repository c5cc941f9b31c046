//! How much of everything the server takes, and what waits.

use std::time::Duration;

use llamapool_worker_core::{
    concern,
    settings::{Setting, kind},
};

const KIB: u64 = 1024;
const GIB: u64 = KIB * KIB * KIB;

/// A clock that starts when a request is opened must leave time for a slow line.
const SHORTEST_HEADER_TIME: Duration = Duration::from_secs(1);

concern! {
    /// How much of everything the server takes.
    pub struct Limits: "Limits" {
        /// Largest request body. It is kept in memory until the reply begins, since another worker may need it.
        max_body: usize = Setting::new("max_body", kind::bytes(KIB..=2 * GIB).map(|n| n as usize)).default("100MiB");

        /// Memory for the bodies of all requests that have no reply yet; a request that finds none left is turned away.
        body_memory: usize =
            Setting::new("body_memory", kind::bytes(KIB..=1024 * GIB).map(|n| n as usize)).default("1GiB");

        /// Largest request head.
        max_headers: usize =
            Setting::new("max_headers", kind::bytes(8 * KIB..=KIB * KIB).map(|n| n as usize)).default("64KiB");

        /// Requests that may be open at the same time, those that wait included.
        max_requests: usize =
            Setting::new("max_requests", kind::count(1..=1_000_000).map(|n| n as usize)).default("10000");

        /// How long a client may take to send a request's head.
        header_timeout: Duration =
            Setting::new("header_timeout", kind::duration().at_least(SHORTEST_HEADER_TIME)).default("30s");
    }
}

concern! {
    /// What waits for a free worker.
    pub struct Queue: "Queue" {
        /// Requests that may wait, for each model; 0 lets none wait.
        size: usize = Setting::new("queue_size", kind::count(0..=100_000).map(|n| n as usize)).default("100");

        /// How long a request may wait for a free worker.
        timeout: Duration = Setting::new("queue_timeout", kind::duration()).default("60s");
    }
}
