//! The state of a worker, whether it runs in this app or as a service.

use std::time::{Duration, SystemTime};

use llamapool_settings::build;
use llamapool_worker_core::runtime::Model;
use llamapool_worker_core::usage::Usage;
use llamapool_worker_core::worker::{self, JobState, LiveJob, Readiness, StatusPage};
use tokio::time::Instant;

use crate::ipc::{LiveRequest, LoadBin, Mode, Today};

/// The last known state of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerSnapshot {
    /// Whose worker it is.
    pub mode: Mode,
    /// Its id, stable across restarts.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// Its software version.
    pub version: String,
    /// The server's address, as configured.
    pub server: String,
    /// The connection to the server.
    pub connection: ConnectionState,
    /// A remark about the server that is not a problem now, such as that the connection is not encrypted.
    pub server_note: Option<String>,
    /// The round-trip time to the server.
    pub latency: Option<Duration>,
    /// Why there is no connection, and since when.
    pub connection_problem: Option<(String, SystemTime)>,
    /// Why its log files cannot be written, and since when.
    pub log_problem: Option<(String, SystemTime)>,
    /// The runtime's name.
    pub runtime_kind: String,
    /// The runtime's version.
    pub runtime_version: Option<String>,
    /// Whether the runtime responds.
    pub runtime: RuntimeState,
    /// The runtime's models.
    pub models: Vec<Model>,
    /// The number of running requests.
    pub running: u32,
    /// The number of requests it runs at a time.
    pub max_concurrency: u32,
    /// Accepts no new requests.
    pub draining: bool,
    /// Stops when no request is running.
    pub terminating: bool,
    /// Its requests and load, as far as it reports them.
    pub activity: Activity,
}

/// The connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Being established.
    Connecting,
    /// Established.
    Up,
    /// Down until the next attempt.
    Waiting {
        /// The time of that attempt.
        until: Instant,
        /// The server rejected the worker: it will again unless something is changed.
        refused: bool,
    },
}

/// The state of the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeState {
    /// Not checked yet.
    Unknown,
    /// Responds.
    Ready,
    /// Does not respond; why, and since when.
    Away(String, SystemTime),
}

/// The requests and load of a worker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Running requests.
    pub live: Vec<LiveRequest>,
    /// Totals since midnight.
    pub today: Today,
    /// The load in the last hour.
    pub load: Vec<LoadBin>,
}

impl WorkerSnapshot {
    /// Whether both are equal except for the load history.
    pub(super) fn differs_in_load_history_at_most(&self, other: &Self) -> bool {
        let without = |worker: &Self| {
            let activity = Activity { load: Vec::new(), ..worker.activity.clone() };
            Self { activity, ..worker.clone() }
        };
        without(self) == without(other)
    }

    /// The state of a worker in this app.
    pub(super) fn of_status(status: &worker::Status, activity: &worker::Activity) -> Self {
        let connection = match status.connection {
            worker::Connection::Connecting => ConnectionState::Connecting,
            worker::Connection::Connected => ConnectionState::Up,
            worker::Connection::Waiting { until, refused } => ConnectionState::Waiting { until, refused },
        };
        let runtime = match &status.runtime {
            Readiness::Unknown => RuntimeState::Unknown,
            Readiness::Ready => RuntimeState::Ready,
            Readiness::Away(problem) => RuntimeState::Away(problem.what.clone(), problem.since),
        };
        Self {
            mode: Mode::Embedded,
            id: status.id.clone(),
            name: status.name.clone(),
            version: build::VERSION.to_owned(),
            server: status.server.clone(),
            connection,
            server_note: status.server_note.clone(),
            latency: status.latency,
            connection_problem: status.link_error.clone().map(|problem| (problem.what, problem.since)),
            log_problem: status.log_problem.clone().map(|problem| (problem.what, problem.since)),
            runtime_kind: status.kind.title().to_owned(),
            runtime_version: status.runtime_version.clone(),
            runtime,
            models: status.models.clone(),
            running: activity.live.len() as u32,
            max_concurrency: status.max_concurrency,
            draining: status.draining,
            terminating: status.terminating,
            activity: Activity {
                live: activity.live.iter().map(live_request).collect(),
                today: today(activity.requests_today, activity.tokens_today),
                load: activity.history.iter().map(load_bin).collect(),
            },
        }
    }

    /// The state of a service, from its status page.
    pub(super) fn of_page(page: StatusPage, now: SystemTime) -> Self {
        let connection = match (page.connected_to_server, page.reconnect_in_s) {
            (true, _) => ConnectionState::Up,
            (false, None) => ConnectionState::Connecting,
            (false, Some(seconds)) => ConnectionState::Waiting {
                until: Instant::now() + Duration::from_secs(seconds),
                refused: page.state == "error",
            },
        };
        let since = page.last_error_at.and_then(|at| chrono::DateTime::parse_from_rfc3339(&at).ok());
        let since = since.map_or(now, SystemTime::from);
        let error = (!page.last_error.is_empty()).then_some((page.last_error, since));
        let log_problem = page.log_problem.map(|what| (what, since));
        // The page has one error. Unless it is about the logs, it is the connection's if there is no connection, else the runtime's.
        let error = error.filter(|error| log_problem.as_ref() != Some(error));
        let (connection_problem, runtime_problem) =
            if connection == ConnectionState::Up { (None, error) } else { (error, None) };
        let remote = page.remote_models;
        let shared_model = |name: String| Model { remote: remote.contains(&name), name, ..Model::default() };
        let runtime = match (page.connected_to_backend, runtime_problem) {
            (true, _) => RuntimeState::Ready,
            (false, Some((why, since))) => RuntimeState::Away(why, since),
            (false, None) => RuntimeState::Unknown,
        };
        Self {
            mode: Mode::Attached,
            id: page.worker_id,
            name: page.worker_name,
            version: page.version.into_owned(),
            server: page.server_url,
            connection,
            server_note: page.server_note,
            latency: page.latency_ms.map(Duration::from_millis),
            connection_problem,
            log_problem,
            runtime_kind: page.backend_family,
            runtime_version: page.backend_version,
            runtime,
            models: page.models.into_iter().map(shared_model).collect(),
            running: page.current_jobs,
            max_concurrency: page.max_concurrency,
            draining: page.state == "draining",
            terminating: page.state == "terminating",
            activity: Activity {
                live: page.requests.iter().map(live_request).collect(),
                today: today(page.requests_today, page.tokens_today),
                load: Vec::new(),
            },
        }
    }
}

fn live_request(job: &LiveJob) -> LiveRequest {
    let state = match job.state {
        JobState::Waiting => "waiting",
        JobState::Streaming => "streaming",
    };
    LiveRequest {
        number: job.number,
        model: job.model.clone(),
        path: job.path.clone(),
        age_ms: job.age_ms,
        bytes_out: job.bytes_out,
        state: state.to_owned(),
    }
}

fn today(requests: u64, tokens: Usage) -> Today {
    Today { requests, tokens_in: tokens.tokens_in, tokens_out: tokens.tokens_out }
}

fn load_bin(bin: &worker::LoadBin) -> LoadBin {
    LoadBin { at: bin.at * 1_000, running: bin.running, requests: bin.requests, tokens_out: bin.tokens_out }
}
