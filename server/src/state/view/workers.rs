//! Workers, their models and their machines.

use std::time::Duration;

use llamapool_tunnel::control::Readiness;
use llamapool_worker_core::host::Host;
use llamapool_worker_core::runtime::Model;
use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

use super::rfc3339;
use crate::accounting::worker_totals::{ModelTotals, WorkerTotals};
use crate::pool::{UpstreamSnapshot, Waiting};

/// The state of a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorkerState {
    /// Ready, and runs no request.
    Idle,
    /// Runs requests.
    Working,
    /// Its runtime is not available, or it has not reported yet.
    #[default]
    NotReady,
    /// Finishes its requests and takes no new ones.
    Draining,
    /// No longer connected.
    Gone,
}

/// One worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkerView {
    /// Stable across reconnects.
    pub id: String,
    /// The name to show. The worker chooses it: treat it as text, never as markup.
    pub name: String,
    /// The state, from what the server observes.
    pub status: WorkerState,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// When it connected. RFC 3339, UTC.
    pub connected_at: String,
    /// When it last sent something. RFC 3339, UTC.
    pub last_heartbeat: String,
    /// Round-trip time of the last ping, milliseconds.
    pub latency_ms: Option<f64>,
    /// When it left. RFC 3339, UTC.
    pub gone_since: Option<String>,
    /// The version of the worker program.
    pub version: String,
    /// `ollama`, `llama_cpp`, `lm_studio`, `vllm`, `openai`, or `auto` if not known.
    pub backend_family: String,
    /// The version of its runtime.
    pub backend_version: Option<String>,
    /// The names of its models.
    pub models_supported: Vec<String>,
    /// Its models.
    pub models: Vec<WorkerModel>,
    /// The most requests that it runs at once.
    pub max_concurrency: u32,
    /// Requests that it runs now.
    pub inflight: u32,
    /// Requests queued for models that only this worker offers.
    pub queue_len: u32,
    /// Requests that it did not fail.
    #[ts(type = "number")]
    pub processed_total: u64,
    /// Total time spent on those, milliseconds.
    #[ts(type = "number")]
    pub processing_ms_total: u64,
    /// Mean time per request, milliseconds.
    pub avg_processing_ms: f64,
    /// Requests that it failed.
    #[ts(type = "number")]
    pub failures_total: u64,
    /// The last error.
    pub last_error: Option<String>,
    /// When the last error happened. RFC 3339, UTC.
    pub last_error_at: Option<String>,
    /// Input tokens.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Output tokens.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
    /// Input and output tokens.
    #[ts(type = "number")]
    pub tokens_total: u64,
    /// Output tokens per second, over the requests whose responses report tokens.
    pub avg_tokens_per_second: f64,
    /// Median time to the first byte of the last 100 requests, milliseconds.
    pub first_byte_p50_ms: Option<f64>,
    /// 95th percentile of the time to the first byte of the last 100 requests, milliseconds.
    pub first_byte_p95_ms: Option<f64>,
    /// Statistics by model, under the worker's names.
    pub per_model: std::collections::BTreeMap<String, PerModel>,
    /// The machine that it runs on.
    pub host: HostView,
}

/// One model of one worker.
#[derive(Debug, Clone, PartialEq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct WorkerModel {
    /// The worker's name for it.
    pub name: String,
    /// Whether it is in memory, if known.
    pub loaded: Option<bool>,
    /// Size in bytes.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Context length in tokens.
    #[ts(type = "number | null")]
    pub context: Option<u64>,
    /// The quantization, for example `Q4_K_M`.
    pub quantization: Option<String>,
    /// Whether its runtime passes requests for it on to a service elsewhere.
    pub remote: bool,
}

/// What a worker did for one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct PerModel {
    /// Requests that it did not fail.
    #[ts(type = "number")]
    pub success_total: u64,
    /// Requests that it failed.
    #[ts(type = "number")]
    pub error_total: u64,
    /// Input tokens.
    #[ts(type = "number")]
    pub tokens_in_total: u64,
    /// Output tokens.
    #[ts(type = "number")]
    pub tokens_out_total: u64,
}

/// The machine of a worker, as far as the worker reports it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, TS, ToSchema)]
#[ts(export)]
pub struct HostView {
    /// The host name.
    pub hostname: Option<String>,
    /// Operating system and version.
    pub os: Option<String>,
    /// The CPU architecture, for example `x86_64` or `aarch64`.
    pub arch: Option<String>,
    /// Logical processors.
    pub cpus: Option<u32>,
    /// Memory in bytes.
    #[ts(type = "number | null")]
    pub memory_bytes: Option<u64>,
}

impl WorkerState {
    /// The state of a worker.
    pub(crate) fn of(worker: &UpstreamSnapshot) -> Self {
        match (worker.gone, worker.report.as_ref().map(|report| report.state), worker.held) {
            (Some(_), ..) => Self::Gone,
            (_, Some(Readiness::Draining), _) | (_, Some(_), true) => Self::Draining,
            (_, Some(Readiness::Ready), _) if worker.in_flight > 0 => Self::Working,
            (_, Some(Readiness::Ready), _) => Self::Idle,
            (_, Some(Readiness::NotReady | Readiness::Other) | None, _) => Self::NotReady,
        }
    }
}

impl WorkerView {
    /// A worker and its totals; `waiting` are the queues of all models.
    pub(crate) fn of(worker: &UpstreamSnapshot, totals: &WorkerTotals, waiting: &[Waiting]) -> Self {
        let report = worker.report.as_deref();
        let models = report.map_or(&[][..], |report| &report.models);
        let only_here =
            |line: &&Waiting| line.providers == 1 && models.iter().any(|model| line.serves(&model.name));
        Self {
            id: worker.identity.id.clone(),
            name: worker.identity.name.clone(),
            status: WorkerState::of(worker),
            reason: report.and_then(|report| report.reason.clone()),
            connected_at: rfc3339(worker.joined),
            last_heartbeat: rfc3339(worker.heard),
            latency_ms: worker.latency.map(|took| took.as_micros() as f64 / 1000.0),
            gone_since: worker.gone.map(rfc3339),
            version: worker.identity.version.clone(),
            backend_family: report.and_then(|report| report.runtime).unwrap_or_default().to_string(),
            backend_version: report.and_then(|report| report.runtime_version.clone()),
            models_supported: models.iter().map(|model| model.name.clone()).collect(),
            models: models.iter().map(WorkerModel::from).collect(),
            max_concurrency: report.map_or(0, |report| report.capacity),
            inflight: worker.in_flight,
            queue_len: waiting.iter().filter(only_here).map(|line| line.requests as u32).sum(),
            host: report.and_then(|report| report.host.as_ref()).map(HostView::from).unwrap_or_default(),
            ..Self::from(totals)
        }
    }
}

impl WorkerView {
    /// Keeps at most this many models, and no statistics by model for a worker that left. Returns how many models are left out.
    pub(crate) fn cut_models(&mut self, most: usize) -> usize {
        let left_out = self.models.len().saturating_sub(most);
        self.models.truncate(most);
        self.models_supported.truncate(most);
        if self.status == WorkerState::Gone {
            self.per_model.clear();
        }
        left_out
    }
}

impl From<&WorkerTotals> for WorkerView {
    /// What the worker did; the rest is empty.
    fn from(totals: &WorkerTotals) -> Self {
        let seconds = |time: Duration| time.as_secs_f64();
        let mean = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
        let (last_error, last_error_at) = totals.last_error.clone().unzip();
        Self {
            processed_total: totals.processed,
            processing_ms_total: totals.processing.as_millis() as u64,
            avg_processing_ms: mean(seconds(totals.processing) * 1000.0, totals.processed as f64),
            failures_total: totals.failures,
            last_error,
            last_error_at: last_error_at.map(rfc3339),
            tokens_in_total: totals.usage.tokens_in,
            tokens_out_total: totals.usage.tokens_out,
            tokens_total: totals.usage.tokens_in + totals.usage.tokens_out,
            avg_tokens_per_second: mean(totals.usage.tokens_out as f64, seconds(totals.generating)),
            first_byte_p50_ms: totals.first_bytes.quantile(0.5),
            first_byte_p95_ms: totals.first_bytes.quantile(0.95),
            per_model: totals
                .per_model
                .iter()
                .map(|(name, totals)| (name.clone(), (*totals).into()))
                .collect(),
            ..Self::default()
        }
    }
}

impl From<ModelTotals> for PerModel {
    fn from(totals: ModelTotals) -> Self {
        Self {
            success_total: totals.succeeded,
            error_total: totals.failed,
            tokens_in_total: totals.usage.tokens_in,
            tokens_out_total: totals.usage.tokens_out,
        }
    }
}

impl From<&Model> for WorkerModel {
    fn from(model: &Model) -> Self {
        Self {
            name: model.name.clone(),
            loaded: model.loaded,
            size: model.size,
            context: model.context,
            quantization: model.quantization.clone(),
            remote: model.remote,
        }
    }
}

impl From<&Host> for HostView {
    fn from(host: &Host) -> Self {
        Self {
            hostname: host.hostname.clone(),
            os: host.os_version.clone().or_else(|| host.os.clone()),
            arch: host.arch.clone(),
            cpus: host.cpus,
            memory_bytes: host.memory_bytes,
        }
    }
}
