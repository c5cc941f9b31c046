//! What is known of a worker, whether it runs in this app or as a service.

use std::time::{Duration, SystemTime};

use llamapool_worker_core::runtime::Model;
use llamapool_worker_core::settings::build;
use llamapool_worker_core::usage::Usage;
use llamapool_worker_core::worker::{self, JobState, LiveJob, Readiness};
use serde::Deserialize;
use tokio::time::Instant;

use crate::ipc::{LiveRequest, LoadBin, Mode, Today};

/// A worker as it was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Whose it is.
    pub mode: Mode,
    /// Stable across restarts.
    pub id: String,
    /// For people.
    pub name: String,
    /// Of its software.
    pub version: String,
    /// The server's address, as configured.
    pub server: String,
    /// The tunnel.
    pub link: Link,
    /// There and back.
    pub latency: Option<Duration>,
    /// Why there is no tunnel, and since when.
    pub link_trouble: Option<(String, SystemTime)>,
    /// What the runtime is.
    pub runtime_kind: String,
    /// Its version.
    pub runtime_version: Option<String>,
    /// Whether it answers.
    pub runtime: Runtime,
    /// What it has.
    pub models: Vec<Model>,
    /// Requests that run.
    pub running: u32,
    /// How many may.
    pub max_concurrency: u32,
    /// Takes nothing new.
    pub draining: bool,
    /// Ends when nothing runs.
    pub terminating: bool,
    /// What it does and did, as far as it tells.
    pub activity: Activity,
}

/// The tunnel to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Being made.
    Connecting,
    /// Up.
    Up,
    /// Down; the next try is due then.
    Waiting {
        /// When.
        until: Instant,
        /// Somebody has to change something first.
        refused: bool,
    },
}

/// The runtime beside the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// Not looked at yet.
    Unknown,
    /// It answers.
    Ready,
    /// It does not; why, and since when.
    Away(String, SystemTime),
}

/// What a worker does and did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Requests that run.
    pub live: Vec<LiveRequest>,
    /// Since midnight.
    pub today: Today,
    /// The last hour.
    pub load: Vec<LoadBin>,
}

/// The parts of a service's status page that are used here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StatusPage {
    state: String,
    connected_to_server: bool,
    connected_to_backend: bool,
    current_jobs: u32,
    max_concurrency: u32,
    models: Vec<String>,
    last_error: String,
    worker_id: String,
    worker_name: String,
    version: String,
    server_url: String,
    backend_family: String,
    backend_version: Option<String>,
    reconnect_in_s: Option<u64>,
    /// From here on: what older workers do not say.
    #[serde(default)]
    last_error_at: Option<String>,
    #[serde(default)]
    latency_ms: Option<u64>,
    #[serde(default)]
    requests: Vec<LiveJob>,
    #[serde(default)]
    requests_today: u64,
    #[serde(default)]
    tokens_today: Usage,
}

impl Seen {
    /// Whether it differs in nothing but the history of its load.
    pub(super) fn is_same_but_for_the_load(&self, other: &Self) -> bool {
        let without = |seen: &Self| {
            let activity = Activity { load: Vec::new(), ..seen.activity.clone() };
            Self { activity, ..seen.clone() }
        };
        without(self) == without(other)
    }

    /// A worker in this app.
    pub(super) fn of_status(status: &worker::Status, activity: &worker::Activity) -> Self {
        let link = match status.connection {
            worker::Connection::Connecting => Link::Connecting,
            worker::Connection::Connected => Link::Up,
            worker::Connection::Waiting { until, refused } => Link::Waiting { until, refused },
        };
        let runtime = match &status.runtime {
            Readiness::Unknown => Runtime::Unknown,
            Readiness::Ready => Runtime::Ready,
            Readiness::Away(trouble) => Runtime::Away(trouble.what.clone(), trouble.since),
        };
        Self {
            mode: Mode::Embedded,
            id: status.id.clone(),
            name: status.name.clone(),
            version: build::VERSION.to_owned(),
            server: status.server.clone(),
            link,
            latency: status.latency,
            link_trouble: status.link_error.clone().map(|trouble| (trouble.what, trouble.since)),
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

    /// A service, by its status page.
    pub(super) fn of_page(page: StatusPage, now: SystemTime) -> Self {
        let link = match (page.connected_to_server, page.reconnect_in_s) {
            (true, _) => Link::Up,
            (false, None) => Link::Connecting,
            (false, Some(seconds)) => Link::Waiting {
                until: Instant::now() + Duration::from_secs(seconds),
                refused: page.state == "error",
            },
        };
        let since = page.last_error_at.and_then(|at| chrono::DateTime::parse_from_rfc3339(&at).ok());
        let since = since.map_or(now, SystemTime::from);
        let error = (!page.last_error.is_empty()).then_some((page.last_error, since));
        // The page has one error: the connection's, if there is no connection.
        let (link_trouble, runtime_trouble) = if link == Link::Up { (None, error) } else { (error, None) };
        let runtime = match (page.connected_to_backend, runtime_trouble) {
            (true, _) => Runtime::Ready,
            (false, Some((why, since))) => Runtime::Away(why, since),
            (false, None) => Runtime::Unknown,
        };
        Self {
            mode: Mode::Attached,
            id: page.worker_id,
            name: page.worker_name,
            version: page.version,
            server: page.server_url,
            link,
            latency: page.latency_ms.map(Duration::from_millis),
            link_trouble,
            runtime_kind: page.backend_family,
            runtime_version: page.backend_version,
            runtime,
            models: page.models.into_iter().map(|name| Model { name, ..Model::default() }).collect(),
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
