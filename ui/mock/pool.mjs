// A simulated pool: workers, requests and an hour of history, in the format of GET /api/state.

import { BIN, ENDED, WORKER } from '../src/testing/blanks.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';
const MODELS = [
  ['llama3.2:3b', 2_019_393_189, 131_072, 'Q4_K_M'],
  ['qwen2.5-coder:32b', 19_851_349_856, 32_768, 'Q4_K_M'],
  ['gpt-oss:120b', 65_369_818_941, 131_072, 'MXFP4'],
  ['mistral-small:24b', 14_333_908_898, 131_072, 'Q4_K_M'],
  ['nomic-embed-text', 274_302_450, 2_048, 'F16'],
  [
    'lmstudio-community/Meta-Llama-3.1-70B-Instruct-GGUF/Meta-Llama-3.1-70B-Instruct-Q5_K_M',
    49_949_818_624,
    131_072,
    'Q5_K_M',
  ],
  [`evil'; rm -rf ~; echo '"model`, null, null, null],
];

// Name, status, slots, models by index (negative: on disk only), runtime, runtime version, host, tokens/s.
const WORKERS = [
  [
    'Mac Studio',
    'working',
    4,
    [0, 1, 2, -4],
    'ollama',
    '0.13.2',
    ['studio.lan', 'macOS 26.1', 'aarch64', 24, 192],
    61.4,
  ],
  [
    'gaming-pc',
    'idle',
    2,
    [0, -1, -3, 4],
    'lm_studio',
    '0.3.31',
    ['GAMING-PC', 'Windows 11', 'x86_64', 32, 64],
    94.2,
  ],
  [
    'gpu-box-01',
    'working',
    16,
    [1, 3],
    'vllm',
    '0.12.0',
    ['gpu-box-01.internal', 'Ubuntu 24.04', 'x86_64', 96, 512],
    212.8,
  ],
  [
    HOSTILE,
    'idle',
    1,
    [0, 6],
    'openai',
    null,
    ['"><script>alert(2)</script>', 'Linux', 'x86_64', 8, 16],
    12.1,
  ],
  ['old-thinkpad', 'not_ready', 1, [], 'ollama', null, ['thinkpad', 'Debian 12', 'x86_64', 4, 8], 0],
  [
    'attic-server-with-a-very-long-name-that-somebody-typed',
    'draining',
    2,
    [3, 5],
    'llama_cpp',
    'b7012',
    ['attic', 'Debian 13', 'x86_64', 16, 128],
    28.9,
  ],
  [
    'travel-macbook',
    'gone',
    2,
    [0, -4],
    'ollama',
    '0.13.1',
    ['macbook', 'macOS 26.0', 'aarch64', 12, 36],
    33.3,
  ],
];

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const between = (low, high) => low + Math.random() * (high - low);

export class MockPool {
  #version = 0;
  #number = 1000;
  #started = Date.now() - 3 * 86_400_000 - 7_000_000;
  live = [];
  recent = [];
  history = [];
  fresh = { recent: [], history: new Set() };
  state = 'ready';

  constructor(mode) {
    this.mode = mode;
    const chosen =
      mode === 'empty' ? [] : mode === 'one' || mode === 'nomodels' ? WORKERS.slice(0, 1) : WORKERS;
    this.workers = chosen.map((row, at) => this.#worker(row, at));
    if (mode === 'nomodels') this.workers[0].models_supported = this.workers[0].models = [];
    if (mode === 'draining') this.state = 'draining';
    if (mode === 'empty' || mode === 'one' || mode === 'nomodels') this.#started = Date.now() - 95_000;
    else this.#past();
  }

  /** Advances the simulation. */
  tick() {
    for (const request of [...this.live]) this.#advance(request);
    const busy = this.mode === 'busy' ? 0.9 : 0.35;
    const quiet = ['empty', 'one', 'nomodels', 'draining'].includes(this.mode);
    if (!quiet && this.live.length < (this.mode === 'busy' ? 40 : 8) && Math.random() < busy) this.#arrive();
    this.#count();
  }

  snapshot(full) {
    const all = full || this.mode === 'nodelta';
    const view = {
      version: ++this.#version,
      server: this.#server(),
      workers_summary: this.#summary(),
      models: this.#models(),
      workers: this.workers,
      mcp: { clients: [], sessions: [] },
      live: this.live.map(({ ends, worker_name, began, ...request }) => ({
        ...request,
        age_ms: Date.now() - began,
      })),
      recent: all ? this.recent : this.fresh.recent,
      history: all ? this.history : this.history.filter((bin) => this.fresh.history.has(bin.at)),
    };
    return view;
  }

  published() {
    this.fresh = { recent: [], history: new Set() };
  }

  drain(id, on) {
    const worker = this.workers.find((worker) => worker.id === id);
    if (worker) worker.status = on ? 'draining' : worker.inflight > 0 ? 'working' : 'idle';
    return Boolean(worker);
  }

  cancel(number) {
    const request = this.live.find((request) => request.number === number);
    if (request) this.#end(request, 'cancelled', 'Cancelled on the dashboard');
    return Boolean(request);
  }

  #worker([name, status, slots, models, backend, backendVersion, host, speed], at) {
    const has = models.map((index) => {
      const [model, size, context, quantization] = MODELS[Math.abs(index)];
      return { name: model, loaded: backend === 'openai' ? null : index >= 0, size, context, quantization };
    });
    const served = speed > 0 ? Math.round(between(200, 90_000)) : 0;
    const failed = name === 'gpu-box-01' || status === 'gone' || status === 'not_ready';
    return {
      ...WORKER,
      id: `7c9e6679-7425-40de-944b-e07fc1f9${String(at).padStart(4, '0')}`,
      name,
      status,
      reason:
        status === 'not_ready'
          ? 'Ollama at http://127.0.0.1:11434 refused the connection (os error 111)'
          : null,
      connected_at: ago(90_000 - at * 8_000),
      last_heartbeat: ago(status === 'gone' ? 214 : 1),
      latency_ms: 24,
      gone_since: status === 'gone' ? ago(214) : null,
      version: at === 6 ? '0.9.4' : '1.0.0',
      backend_family: backend,
      backend_version: backendVersion,
      models_supported: has.map((model) => model.name),
      models: has,
      max_concurrency: slots,
      processed_total: served,
      processing_ms_total: served * 2_300,
      avg_processing_ms: served ? 2_300 : 0,
      failures_total: failed ? 17 + at : 0,
      last_error: failed
        ? status === 'gone'
          ? 'The connection was lost'
          : 'CUDA error: out of memory while loading model qwen2.5-coder:32b; tried to allocate 19.85 GB <b>bold</b>'
        : null,
      last_error_at: failed ? ago(140 + at * 30) : null,
      tokens_in_total: served * 412,
      tokens_out_total: served * 187,
      tokens_total: served * 599,
      avg_tokens_per_second: speed,
      first_byte_p50_ms: speed ? 18_000 / speed : null,
      first_byte_p95_ms: speed ? 96_000 / speed : null,
      per_model: Object.fromEntries(
        has.map((model, i) => [
          model.name,
          {
            success_total: Math.round(served / (i + 2)),
            error_total: failed ? i : 0,
            tokens_in_total: served * 90,
            tokens_out_total: served * 40,
          },
        ]),
      ),
      host: { hostname: host[0], os: host[1], arch: host[2], cpus: host[3], memory_bytes: host[4] * 2 ** 30 },
    };
  }

  #past() {
    const now = Math.floor(Date.now() / 10_000) * 10;
    for (let at = now - 3600; at <= now; at += 10) {
      const tide = 1.2 + Math.sin(at / 420) + 0.6 * Math.sin(at / 97);
      const requests = Math.max(0, Math.round(tide * between(2, 9)));
      const storm = at > now - 1500 && at < now - 1200;
      const p50 = 190 + 120 * Math.max(0, tide) + between(0, 60) + (storm ? 900 : 0);
      this.history.push({
        ...BIN,
        at,
        requests,
        failed: storm && Math.random() < 0.3 ? Math.round(between(1, 3)) : Math.random() < 0.01 ? 1 : 0,
        refused: Math.random() < 0.06 ? Math.round(between(1, 3)) : 0,
        left: Math.random() < 0.04 ? 1 : 0,
        tokens_out: Math.round(requests * between(120, 260)),
        first_byte_p50_ms: requests ? p50 : null,
        first_byte_p95_ms: requests ? p50 * between(2.2, 4) : null,
        queue: storm ? Math.round(between(0, 9)) : 0,
        inflight: Math.max(0, Math.round(tide * 3 + between(0, 2))),
      });
    }
    for (let i = 0; i < 160; i++) this.recent.push(this.#ended(this.#request(), i * 7.3));
  }

  #request() {
    const able = this.workers.filter((worker) => ['idle', 'working'].includes(worker.status));
    const worker = pick(able);
    const number = ++this.#number;
    return {
      id: `req-${number.toString(36)}${Math.random().toString(36).slice(2, 12)}`,
      number,
      path: Math.random() < 0.9 ? '/v1/chat/completions' : '/api/v1/embeddings',
      model: pick(worker.models_supported),
      worker: worker.id,
    };
  }

  #ended(request, secondsAgo, outcome) {
    const dice = Math.random();
    outcome ??= dice < 0.9 ? 'done' : dice < 0.94 ? 'refused' : dice < 0.97 ? 'failed' : 'left';
    const firstByte = outcome === 'refused' ? null : Math.round(between(90, 1400));
    const total = (firstByte ?? 2) + Math.round(between(300, 21_000));
    const tokens = outcome === 'done' ? Math.round(between(20, 900)) : null;
    return {
      ...ENDED,
      ...request,
      worker: outcome === 'refused' ? null : request.worker,
      ended_at: ago(secondsAgo),
      outcome,
      reason:
        {
          refused: 'Model not found: llama9',
          failed: 'The runtime broke the reply off after 812 bytes',
          left: 'The client closed the connection',
          cancelled: 'Cancelled on the dashboard',
        }[outcome] ?? null,
      status: { done: 200, refused: 404, failed: 502, left: null, cancelled: 200 }[outcome],
      failovers: outcome === 'done' && Math.random() < 0.05 ? 1 : 0,
      queue_ms: Math.random() < 0.15 ? Math.round(between(5, 2400)) : 0,
      first_byte_ms: firstByte,
      total_ms: outcome === 'refused' ? 2 : total,
      bytes_in: Math.round(between(200, 9000)),
      bytes_out: Math.round(between(200, 90_000)),
      tokens_in: tokens && Math.round(between(20, 3000)),
      tokens_out: tokens,
      tokens_per_second: tokens && between(9, 140),
    };
  }

  #arrive() {
    const request = this.#request();
    const state = this.mode === 'busy' && Math.random() < 0.3 ? 'queued' : 'waiting';
    if (state === 'queued') request.worker = null;
    this.live.push({
      ...request,
      began: Date.now(),
      state,
      tokens: 0,
      bytes: 0,
      ends: Date.now() + between(2_000, 20_000),
    });
  }

  #advance(request) {
    const age = Date.now() - request.began;
    if (request.state === 'queued' && age > 3_000) {
      request.state = 'waiting';
      request.worker = this.#request().worker;
    }
    if (request.state === 'waiting' && age > 900) request.state = 'streaming';
    if (request.state === 'streaming') {
      request.tokens += Math.round(between(5, 30));
      request.bytes = request.tokens * 210;
    }
    if (Date.now() > request.ends) this.#end(request);
  }

  #end(request, outcome, reason) {
    this.live = this.live.filter((other) => other !== request);
    const { ends, began, state, tokens, bytes, ...known } = request;
    const ended = this.#ended(known, 0, outcome);
    ended.total_ms = Date.now() - began;
    if (reason) ended.reason = reason;
    this.recent = [ended, ...this.recent].slice(0, 200);
    this.fresh.recent.unshift(ended);
    const bin = this.#bin();
    bin.requests += 1;
    bin.tokens_out += ended.tokens_out ?? 0;
    if (ended.outcome in bin) bin[ended.outcome] += 1;
    if (ended.first_byte_ms) {
      bin.first_byte_p50_ms = ended.first_byte_ms;
      bin.first_byte_p95_ms = ended.first_byte_ms * 2.5;
    }
  }

  #bin() {
    const at = Math.floor(Date.now() / 10_000) * 10;
    let bin = this.history.at(-1);
    if (bin?.at !== at) {
      bin = { ...BIN, at };
      this.history.push(bin);
    }
    this.fresh.history.add(at);
    return bin;
  }

  #count() {
    for (const worker of this.workers) {
      if (worker.status === 'gone') continue;
      worker.inflight = Math.min(
        worker.max_concurrency,
        this.live.filter((request) => request.worker === worker.id).length,
      );
      worker.last_heartbeat = ago(0);
      if (worker.status === 'idle' || worker.status === 'working')
        worker.status = worker.inflight ? 'working' : 'idle';
    }
    const bin = this.#bin();
    bin.inflight = Math.max(bin.inflight, this.live.length);
    bin.queue = Math.max(bin.queue, this.#queued().length);
  }

  #queued() {
    return this.live.filter((request) => request.state === 'queued');
  }

  #models() {
    const here = this.workers.filter((worker) => !['gone', 'not_ready'].includes(worker.status));
    const names = [...new Set(here.flatMap((worker) => worker.models_supported))].sort();
    return names.map((name) => {
      const having = here.flatMap((worker) => worker.models.filter((model) => model.name === name));
      return {
        name,
        workers: having.length,
        loaded: having.filter((model) => model.loaded).length,
        queue_len: this.#queued().filter((request) => request.model === name).length,
      };
    });
  }

  #summary() {
    const having = (status) => this.workers.filter((worker) => worker.status === status).length;
    return {
      connected: this.workers.length - having('gone'),
      working: having('working'),
      idle: having('idle'),
      not_ready: having('not_ready'),
      draining: having('draining'),
      gone: having('gone'),
    };
  }

  #server() {
    const done = this.recent.filter((request) => request.outcome === 'done').length;
    const past = this.recent.length > 0 ? 184_000 : 0;
    return {
      now: new Date().toISOString(),
      version: '1.0.0',
      build_sha: '9f38391c2d7e',
      build_date: '2026-11-20',
      state: this.state === 'draining' ? 'draining' : this.workers.length ? 'ready' : 'not_ready',
      uptime_s: Math.round((Date.now() - this.#started) / 1000),
      jobs_inflight_total: this.live.length,
      jobs_completed_total: past + done,
      jobs_failed_total: past && 61,
      jobs_refused_total: past && 412,
      jobs_cancelled_total: past && 203,
      failovers_total: past && 38,
      scheduler_queue_len: this.#queued().length,
      tokens_in_total: past * 412,
      tokens_out_total: past * 187,
      needs_key: this.mode !== 'open',
      workers_need_key: this.mode !== 'open',
    };
  }
}
