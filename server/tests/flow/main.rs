//! The life of a request, through a real server and the real tunnel.

#![expect(clippy::unwrap_used, reason = "what cannot go on fails the test")]

mod connections;
mod cors;
mod description;
mod dispatch;
mod heads;
mod heartbeat;
mod join_link;
mod lengths;
mod listing;
mod logs;
mod lookups;
mod metrics;
mod models;
mod objects;
mod reply_head;
mod roles;
mod scripted_endpoint;
mod spellings;
mod state;
mod stream;
mod support;
mod upstreams;
mod worker_ids;
