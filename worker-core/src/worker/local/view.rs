//! The status as JSON. The first names are those of older workers.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::ledger::{Activity, LiveJob};
use crate::usage::Usage;
use crate::worker::status::{self, Connection, Problem, Readiness};
use llamapool_settings::build;

/// The value of `last_heartbeat` before the first report: the zero time of the language of older workers.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The worker's status page. Fields with a default are missing from the pages of older workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusPage {
    /// Connection, work and drain as one word: `connected_idle`, `draining` and so on.
    pub state: Cow<'static, str>,
    /// Whether the worker is connected to the server.
    pub connected_to_server: bool,
    /// Whether the runtime responds.
    pub connected_to_backend: bool,
    /// The number of running requests.
    pub current_jobs: u32,
    /// The maximum number of concurrent requests.
    pub max_concurrency: u32,
    /// The models it shares.
    pub models: Vec<String>,
    /// The models that its runtime passes on to a service elsewhere; shared only with the setting `offer_remote_models`.
    #[serde(default)]
    pub remote_models: Vec<String>,
    /// The current problem; empty if there is none.
    pub last_error: String,
    /// Since when there is a problem.
    #[serde(default)]
    pub last_error_at: Option<String>,
    /// When it last reported to the server, RFC 3339.
    #[serde(default)]
    pub last_heartbeat: String,
    /// The worker's id.
    pub worker_id: String,
    /// The worker's display name.
    pub worker_name: String,
    /// The worker's version.
    pub version: Cow<'static, str>,
    /// The server's address.
    pub server_url: String,
    /// A remark about the server that is not an error.
    #[serde(default)]
    pub server_note: Option<String>,
    /// Round-trip time to the server, milliseconds.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// The runtime's kind.
    pub backend_family: String,
    /// The runtime's version.
    pub backend_version: Option<String>,
    /// A remark about the runtime that is not an error.
    #[serde(default)]
    pub runtime_note: Option<String>,
    /// Seconds until the next attempt to connect.
    pub reconnect_in_s: Option<u64>,
    /// Why the log files cannot be written; if there is no other problem, `last_error` shows it too.
    #[serde(default)]
    pub log_problem: Option<String>,
    /// Running requests.
    #[serde(default)]
    pub requests: Vec<LiveJob>,
    /// Requests finished since midnight.
    #[serde(default)]
    pub requests_today: u64,
    /// Tokens of these requests.
    #[serde(default)]
    pub tokens_today: Usage,
}

pub(super) fn status(status: status::Status, activity: Activity) -> StatusPage {
    let current_jobs = activity.live.len() as u32;
    let reconnect_in_s = match status.connection {
        Connection::Waiting { until, .. } => {
            Some(until.saturating_duration_since(tokio::time::Instant::now()).as_secs())
        }
        Connection::Connecting | Connection::Connected => None,
    };
    let problem = status.problem().cloned();
    let log_problem = status.log_problem.as_ref().map(|problem| problem.what.clone());
    StatusPage {
        state: status.as_str(current_jobs).into(),
        connected_to_server: status.connection == Connection::Connected,
        connected_to_backend: status.runtime == Readiness::Ready,
        current_jobs,
        max_concurrency: status.max_concurrency,
        remote_models: status
            .models
            .iter()
            .filter(|model| model.remote)
            .map(|model| model.name.clone())
            .collect(),
        models: status.models.into_iter().filter(|model| !model.withheld).map(|model| model.name).collect(),
        last_error_at: problem.as_ref().map(|problem| rfc3339(problem.since)),
        last_error: problem.map_or_else(String::new, |Problem { what, .. }| what),
        last_heartbeat: status.last_report.map_or_else(|| NEVER.to_owned(), rfc3339),
        worker_id: status.id,
        worker_name: status.name,
        version: build::VERSION.into(),
        server_url: status.server,
        latency_ms: status.latency.map(|latency| latency.as_secs_f64() * 1000.0).map(|ms| ms.round() as u64),
        backend_family: status.kind.to_string(),
        backend_version: status.runtime_version,
        runtime_note: status.runtime_note,
        server_note: status.server_note,
        log_problem,
        reconnect_in_s,
        requests: activity.live,
        requests_today: activity.requests_today,
        tokens_today: activity.tokens_today,
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
