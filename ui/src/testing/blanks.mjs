// Empty views: the base of the test samples and of the mock's pool. Type checking reports when the
// server's views get new fields.

export const NOW = '2026-11-21T12:00:00Z';

/** @type {import('../bindings/WorkerView').WorkerView} */
export const WORKER = {
  id: 'w1',
  name: 'studio',
  status: 'idle',
  reason: null,
  connected_at: '2026-11-21T11:00:00Z',
  last_heartbeat: NOW,
  latency_ms: null,
  gone_since: null,
  version: '1.0.0',
  backend_family: 'ollama',
  backend_version: '0.13.2',
  models_supported: [],
  models: [],
  max_concurrency: 4,
  inflight: 0,
  queue_len: 0,
  processed_total: 0,
  processing_ms_total: 0,
  avg_processing_ms: 0,
  failures_total: 0,
  last_error: null,
  last_error_at: null,
  tokens_in_total: 0,
  tokens_out_total: 0,
  tokens_total: 0,
  avg_tokens_per_second: 0,
  first_byte_p50_ms: null,
  first_byte_p95_ms: null,
  per_model: {},
  host: { hostname: null, os: null, arch: null, cpus: null, memory_bytes: null },
};

/** @type {import('../bindings/HistoryBin').HistoryBin} */
export const BIN = {
  at: 0,
  requests: 0,
  failed: 0,
  refused: 0,
  left: 0,
  tokens_out: 0,
  first_byte_p50_ms: null,
  first_byte_p95_ms: null,
  queue: 0,
  inflight: 0,
};

/** @type {import('../bindings/FinishedRequest').FinishedRequest} */
export const ENDED = {
  id: '',
  number: 0,
  path: '/v1/chat/completions',
  model: 'llama',
  worker: 'w1',
  ended_at: NOW,
  outcome: 'done',
  reason: null,
  status: 200,
  failovers: 0,
  queue_ms: 0,
  first_byte_ms: 100,
  total_ms: 900,
  bytes_in: 1,
  bytes_out: 1,
  tokens_in: 3,
  tokens_out: 7,
  tokens_per_second: 8,
};

/** @type {import('../bindings/Snapshot').Snapshot} */
export const SNAPSHOT = {
  version: 1,
  server: {
    now: NOW,
    version: '1.0.0',
    build_sha: 'abc',
    build_date: '2026-11-20',
    state: 'ready',
    uptime_s: 60,
    jobs_inflight_total: 0,
    jobs_completed_total: 0,
    jobs_failed_total: 0,
    jobs_refused_total: 0,
    jobs_blocked_total: 0,
    jobs_cancelled_total: 0,
    failovers_total: 0,
    scheduler_queue_len: 0,
    tokens_in_total: 0,
    tokens_out_total: 0,
    needs_key: true,
    workers_need_key: true,
    problems: [],
  },
  workers_summary: { connected: 0, working: 0, idle: 0, not_ready: 0, draining: 0, gone: 0 },
  models: [],
  models_cut: 0,
  workers: [],
  mcp: { clients: [], sessions: [] },
  live: [],
  recent: [],
  history: [],
};
