//! The status as JSON. The first names are those of the older workers.

use std::time::SystemTime;

use serde::Serialize;

use crate::ledger::{Activity, LiveJob};
use crate::settings::build;
use crate::usage::Usage;
use crate::worker::status::{self, Connection, Problem, Readiness};

/// What `last_heartbeat` says before the first: the zero time of the language the older workers were written in.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// How the worker is.
#[derive(Serialize)]
pub(super) struct Status {
    state: &'static str,
    connected_to_server: bool,
    connected_to_backend: bool,
    current_jobs: u32,
    max_concurrency: u32,
    models: Vec<String>,
    /// What is wrong now; empty if nothing is.
    last_error: String,
    /// Since when.
    last_error_at: Option<String>,
    last_heartbeat: String,
    worker_id: String,
    worker_name: String,
    version: &'static str,
    server_url: String,
    /// To the server and back.
    latency_ms: Option<u64>,
    backend_family: String,
    backend_version: Option<String>,
    /// Something odd about the runtime that is no failure.
    runtime_note: Option<String>,
    /// Seconds until the next try to connect.
    reconnect_in_s: Option<u64>,
    /// Those that run.
    requests: Vec<LiveJob>,
    requests_today: u64,
    tokens_today: Usage,
}

pub(super) fn status(status: status::Status, activity: Activity) -> Status {
    let current_jobs = activity.live.len() as u32;
    let reconnect_in_s = match status.connection {
        Connection::Waiting { until, .. } => {
            Some(until.saturating_duration_since(tokio::time::Instant::now()).as_secs())
        }
        Connection::Connecting | Connection::Connected => None,
    };
    let trouble = status.trouble().cloned();
    Status {
        state: status.word(current_jobs),
        connected_to_server: status.connection == Connection::Connected,
        connected_to_backend: status.runtime == Readiness::Ready,
        current_jobs,
        max_concurrency: status.max_concurrency,
        models: status.models.into_iter().filter(|model| !model.withheld).map(|model| model.name).collect(),
        last_error_at: trouble.as_ref().map(|trouble| rfc3339(trouble.since)),
        last_error: trouble.map_or_else(String::new, |Problem { what, .. }| what),
        last_heartbeat: status.last_report.map_or_else(|| NEVER.to_owned(), rfc3339),
        worker_id: status.id,
        worker_name: status.name,
        version: build::VERSION,
        server_url: status.server,
        latency_ms: status.latency.map(|latency| latency.as_secs_f64() * 1000.0).map(|ms| ms.round() as u64),
        backend_family: status.kind.to_string(),
        backend_version: status.runtime_version,
        runtime_note: status.runtime_note,
        reconnect_in_s,
        requests: activity.live,
        requests_today: activity.requests_today,
        tokens_today: activity.tokens_today,
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
