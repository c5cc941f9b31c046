// Sample data that the app may send, in every state.

import type { AppPreferences } from '../../desktop/bindings/AppPreferences';
import type { Check } from '../../desktop/bindings/Check';
import type { Field } from '../../desktop/bindings/Field';
import type { FoundRuntime } from '../../desktop/bindings/FoundRuntime';
import type { LoadBin } from '../../desktop/bindings/LoadBin';
import type { LogLine } from '../../desktop/bindings/LogLine';
import type { Phase } from '../../desktop/bindings/Phase';
import type { Preferences } from '../../desktop/bindings/Preferences';
import type { ReportFile } from '../../desktop/bindings/ReportFile';
import type { Snapshot } from '../../desktop/bindings/Snapshot';
import type { Model } from '../../desktop/types';

/** 21 November 2026, 14:03:07 UTC. */
export const NOW = Date.UTC(2026, 10, 21, 14, 3, 7);

export const aModel = (over: Partial<Model> = {}): Model => ({
  name: 'llama3.3:70b-instruct-q4_K_M',
  offered: true,
  loaded: true,
  size_bytes: 42_520_413_916,
  context: 131_072,
  quantization: 'Q4_K_M',
  remote: false,
  ...over,
});

const MODELS: Model[] = [
  aModel(),
  aModel({
    name: 'qwen3:32b',
    loaded: false,
    size_bytes: 20_201_253_588,
    context: 40_960,
    quantization: 'Q4_K_M',
  }),
  aModel({
    name: 'nomic-embed-text:latest',
    size_bytes: 274_302_450,
    context: 2_048,
    quantization: 'F16',
  }),
  aModel({
    name: 'deepseek-r1:8b',
    offered: false,
    loaded: false,
    size_bytes: 5_225_376_047,
    context: null,
    quantization: null,
  }),
];

export function aSnapshot(over: Partial<Snapshot> = {}): Snapshot {
  return {
    phase: 'ready',
    headline: 'Ready – 3 models',
    mode: 'embedded',
    worker: { name: 'mac-studio', id: 'b1946ac9', version: '2.0.0' },
    server: {
      url: 'wss://pool.example.com/api/workers/connect',
      latency_ms: 23,
      note: null,
      dashboard_url: 'https://pool.example.com/state',
      endpoint_url: 'https://pool.example.com/api/v1',
    },
    reconnect_in_s: null,
    running: 0,
    max_concurrency: 4,
    runtime: {
      kind: 'ollama',
      version: '0.12.3',
      ready: true,
      why: null,
      url: 'http://127.0.0.1:11434/v1',
    },
    models: MODELS,
    live: [],
    today: { requests: 412, tokens_in: 1_284_300, tokens_out: 318_220 },
    trouble: null,
    paused_until: null,
    paused_by: null,
    crash: null,
    update: { state: 'idle', version: null, notes: null, why: null, checked_at: NOW - 3 * 3_600_000 },
    ...over,
  };
}

const away = {
  server: { ...aSnapshot().server, latency_ms: null },
  models: MODELS,
};

const LIVE: Snapshot['live'] = [
  {
    number: 4211,
    model: 'llama3.3:70b-instruct-q4_K_M',
    path: '/v1/chat/completions',
    age_ms: 14_200,
    bytes_out: 18_412,
    state: 'streaming',
  },
  { number: 4213, model: 'qwen3:32b', path: '/v1/responses', age_ms: 1_900, bytes_out: 0, state: 'waiting' },
];

/** A plausible snapshot of every phase. */
export const PHASES: Record<Phase, Snapshot> = {
  unconfigured: aSnapshot({
    phase: 'unconfigured',
    headline: 'Not set up',
    ...away,
    server: { url: '', latency_ms: null, note: null, dashboard_url: null, endpoint_url: null },
    models: [],
  }),
  stopped: aSnapshot({ phase: 'stopped', headline: 'Stopped', ...away, models: [] }),
  connecting: aSnapshot({ phase: 'connecting', headline: 'Connecting', ...away }),
  waiting: aSnapshot({
    phase: 'waiting',
    headline: 'Reconnecting in 8 s',
    ...away,
    reconnect_in_s: 8,
    trouble: {
      what: 'pool.example.com:443 refused the connection',
      at: NOW - 95_000,
      fix: 'Check that the server is running and that no firewall blocks the connection.',
      action: 'diagnostics',
    },
  }),
  refused: aSnapshot({
    phase: 'refused',
    headline: 'Worker key rejected',
    ...away,
    trouble: {
      what: 'The server rejected this computer’s worker key',
      at: NOW - 12_000,
      fix: 'Get a new join link from the dashboard.',
      action: 'preferences',
    },
  }),
  not_ready: aSnapshot({
    phase: 'not_ready',
    headline: 'Ollama isn’t responding',
    models: [],
    runtime: {
      kind: 'ollama',
      version: null,
      ready: false,
      why: 'Ollama at 127.0.0.1:11434 refused the connection.',
      url: 'http://127.0.0.1:11434/v1',
    },
    trouble: {
      what: 'Ollama isn’t responding',
      at: NOW - 40_000,
      fix: 'Start Ollama. llamapool reconnects automatically.',
      action: 'retry',
    },
  }),
  ready: aSnapshot(),
  busy: aSnapshot({ phase: 'busy', headline: 'Ready – 2 requests running', running: 2, live: LIVE }),
  draining: aSnapshot({
    phase: 'draining',
    headline: 'Finishing 1 request',
    running: 1,
    live: LIVE.slice(0, 1),
  }),
  paused: aSnapshot({
    phase: 'paused',
    headline: 'Paused',
    paused_until: NOW + 27 * 60_000,
  }),
  terminating: aSnapshot({ phase: 'terminating', headline: 'Stopping', running: 1, live: LIVE.slice(0, 1) }),
  failed: aSnapshot({
    phase: 'failed',
    headline: 'Failed',
    ...away,
    models: [],
    crash: {
      times: 5,
      gave_up: true,
      why: 'Another program uses port 4555 (status_addr).',
      lines: [
        '14:02:11 INFO  llamapool_worker: llamapool-worker 2.0.0 starting',
        '14:02:11 INFO  llamapool_worker::runtime: Ollama 0.12.3 at http://127.0.0.1:11434/v1, 4 models',
        '14:02:11 ERROR llamapool_worker::local: cannot listen on 127.0.0.1:4555: address in use (os error 98)',
        '14:02:11 ERROR llamapool_worker: exiting: status_addr is in use',
      ],
    },
  }),
};

/** An hour with a quiet start and a busy end. */
export function aLoad(now = NOW): LoadBin[] {
  return Array.from({ length: 360 }, (_, i) => {
    const wave = Math.max(0, Math.sin(i / 37) + 0.4 * Math.sin(i / 7));
    const running = i < 60 ? 0 : Math.round(wave * 2.6);
    return {
      at: now - (360 - i) * 10_000,
      running,
      requests: running > 0 && i % 3 === 0 ? 1 : 0,
      tokens_out: running * (210 + 40 * Math.sin(i / 3)),
    };
  });
}

export const aField = (over: Partial<Field> & Pick<Field, 'key' | 'label'>): Field => ({
  help: '',
  kind: 'text',
  value: null,
  default: '',
  choices: null,
  effect: 'restart',
  problem: null,
  origin: over.value === undefined || over.value === null ? 'default' : 'file',
  is_set: (over.value ?? null) !== null,
  in_keychain: false,
  ...over,
});

export function aPreferences(over: Partial<Preferences> = {}): Preferences {
  return {
    path: '~/.config/llamapool/worker.yaml',
    exists: true,
    file_problem: null,
    warnings: [],
    groups: [
      {
        name: 'Server',
        fields: [
          aField({
            key: 'server_url',
            label: 'Server address',
            help: 'Address of the server: a URL or host:port. https:// and wss:// are encrypted.',
            kind: 'url',
            value: 'wss://pool.example.com/api/workers/connect',
            default: 'ws://localhost:8080/api/workers/connect',
          }),
          aField({
            key: 'client_key',
            label: 'Client key',
            help: 'Key that lets workers connect: the server’s CLIENT_KEY.',
            kind: 'secret',
            origin: 'file',
            is_set: true,
            default: 'none',
          }),
          aField({
            key: 'ca_file',
            label: 'Certificates',
            help: 'PEM file with certificates to trust in addition to the system’s.',
            kind: 'path',
            default: 'none',
          }),
          aField({
            key: 'reconnect',
            label: 'Reconnect',
            help: 'Reconnect after the connection is lost. If this is off, the worker exits instead.',
            kind: 'switch',
            default: 'true',
          }),
          aField({
            key: 'keepalive_timeout',
            label: 'Keepalive timeout',
            help: 'Time without a message after which the connection is considered lost.',
            kind: 'duration',
            default: '15s',
          }),
        ],
      },
      {
        name: 'Runtime',
        fields: [
          aField({
            key: 'completion_base_url',
            label: 'Runtime address',
            help: 'Address of the runtime’s OpenAI-compatible API. If this is not set, the worker looks for a runtime on this computer.',
            kind: 'url',
            default: 'found',
          }),
          aField({
            key: 'completion_api_key',
            label: 'Runtime key',
            help: 'API key for the runtime, if it requires one.',
            kind: 'secret',
            default: 'none',
          }),
          aField({
            key: 'runtime_kind',
            label: 'Kind of runtime',
            help: 'Kind of runtime. auto detects it.',
            kind: 'choice',
            choices: ['auto', 'ollama', 'llama_cpp', 'lm_studio', 'vllm', 'openai'],
            default: 'auto',
          }),
          aField({
            key: 'max_concurrency',
            label: 'Requests at a time',
            help: 'Maximum number of requests that run at the same time.',
            kind: 'number',
            value: '4',
            default: '2',
            effect: 'now',
          }),
          aField({
            key: 'models_withheld',
            label: 'Hidden models',
            help: 'Names or patterns such as llama*, separated by commas.',
            kind: 'list',
            value: 'deepseek-r1:8b',
            default: 'none',
            effect: 'now',
          }),
        ],
      },
      {
        name: 'Logs',
        fields: [
          aField({
            key: 'log_level',
            label: 'Log level',
            help: 'Least severe level that is logged.',
            kind: 'choice',
            choices: ['error', 'warn', 'info', 'debug', 'trace', 'off'],
            default: 'info',
            effect: 'now',
          }),
          aField({
            key: 'log_dir',
            label: 'Log folder',
            help: 'Folder for log files. A new file starts every day.',
            kind: 'path',
            value: '/var/log/llamapool',
            origin: 'environment',
            default: 'no files',
          }),
          aField({
            key: 'log_max_size',
            label: 'Largest log file',
            help: 'Size after which a new log file starts.',
            kind: 'size',
            default: '50MiB',
          }),
        ],
      },
    ],
    ...over,
  };
}

/** The same preferences when the file is not valid YAML, so its values are unknown. */
export function unreadable(preferences: Preferences): Preferences {
  const unknown = { value: null, origin: 'default' as const, is_set: false };
  const groups = preferences.groups.map(({ name, fields }) => ({
    name,
    fields: fields.map((field) => (field.origin === 'environment' ? field : { ...field, ...unknown })),
  }));
  return { ...preferences, groups, file_problem: 'Line 7 is not valid YAML.' };
}

/** The same preferences with one field changed. */
export function withField(preferences: Preferences, key: string, over: Partial<Field>): Preferences {
  const groups = preferences.groups.map((group) => ({
    ...group,
    fields: group.fields.map((field) => (field.key === key ? { ...field, ...over } : field)),
  }));
  return { ...preferences, groups };
}

export const anApp = (over: Partial<AppPreferences> = {}): AppPreferences => ({
  start_at_login: false,
  notify: { server_lost: true, key_refused: true, runtime_gone: true, update_ready: true, paused: false },
  updates: 'ask',
  icon: 'auto',
  hold_sleep: false,
  keychain: true,
  keychain_problem: null,
  serve: {
    on_battery: 'above',
    battery_low: '20',
    battery_high: '50',
    pause_in_battery_saver: false,
    only_in_hours: true,
    days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
    from: '20:00',
    to: '08:00',
    pause_while: 'steam, blender',
  },
  updates_managed_by: null,
  first_run_done: true,
  file_problem: null,
  ...over,
});

const MESSAGES: Omit<LogLine, 'seq' | 'at'>[] = [
  {
    level: 'INFO',
    target: 'llamapool_worker::session',
    message: 'Connected to pool.example.com',
    fields: 'latency_ms=23 shards=1',
  },
  {
    level: 'DEBUG',
    target: 'worker_core::relay',
    message: 'Sending request 4211 to the runtime',
    fields: 'path=/v1/chat/completions model=llama3.3:70b',
  },
  {
    level: 'INFO',
    target: 'worker_core::runtime',
    message: 'Ollama 0.12.3 is ready with 4 models',
    fields: 'url=http://127.0.0.1:11434/v1',
  },
  {
    level: 'WARN',
    target: 'worker_core::uplink',
    message: 'Server unreachable, reconnecting in 8 s',
    fields:
      'tries=3 why="connection refused (os error 111) while dialling pool.example.com:443 over IPv6, then over IPv4"',
  },
  { level: 'TRACE', target: 'worker_core::tunnel', message: 'ping', fields: 'rtt_ms=22' },
  {
    level: 'ERROR',
    target: 'worker_core::relay',
    message: 'The runtime closed the connection mid-response',
    fields: 'request=4212 after_bytes=18412',
  },
];

export const aLine = (seq: number, over: Partial<LogLine> = {}): LogLine => ({
  seq,
  at: new Date(NOW - 3_600_000 + seq * 700).toISOString(),
  ...MESSAGES[seq % MESSAGES.length]!,
  ...over,
});

export const lines = (from: number, count: number): LogLine[] =>
  Array.from({ length: count }, (_, i) => aLine(from + i));

export const aCheck = (over: Partial<Check> & Pick<Check, 'id' | 'title'>): Check => ({
  outcome: 'ok',
  found: '',
  fix: null,
  took_ms: 12,
  ...over,
});

export const CHECKS: Check[] = [
  aCheck({ id: 'config', title: 'Configuration', found: 'worker.yaml is valid, 6 settings', took_ms: 1 }),
  aCheck({ id: 'dns', title: 'Server name', found: 'pool.example.com resolves to 192.0.2.10', took_ms: 18 }),
  aCheck({ id: 'tcp', title: 'Server port', found: 'Port 443 is open', took_ms: 22 }),
  aCheck({ id: 'tls', title: 'Encryption', found: 'TLS 1.3, certificate valid for 61 days', took_ms: 48 }),
  aCheck({ id: 'upgrade', title: 'WebSocket', found: 'Upgraded, llamapool.v2', took_ms: 31 }),
  aCheck({
    id: 'key',
    title: 'Worker key',
    outcome: 'failed',
    found: 'The server rejected the key (HTTP 401).',
    fix: 'Get a new join link from the dashboard.',
  }),
  aCheck({
    id: 'clock',
    title: 'Clock',
    outcome: 'warning',
    found: 'This computer’s clock is 94 s behind the server’s.',
    fix: 'Turn on automatic time in the system settings.',
  }),
  aCheck({ id: 'proxy', title: 'Proxy', outcome: 'skipped', found: 'Not set', took_ms: 0 }),
  aCheck({ id: 'runtime', title: 'Runtime', found: 'Ollama 0.12.3, 4 models', took_ms: 64 }),
  aCheck({ id: 'disk', title: 'Disk', found: '212 GB free', took_ms: 2 }),
];

export const REPORT: ReportFile[] = [
  {
    name: 'worker.yaml',
    size: 148,
    text: '# My worker\nserver_url: wss://pool.example.com/api/workers/connect\nclient_key: (removed)\nmax_concurrency: 4\n',
  },
  {
    name: 'worker.2026-11-21.log',
    size: 48_213,
    text: `${lines(0, 60)
      .map(({ at, level, target, message, fields }) => `${at} ${level} ${target}: ${message} ${fields}`)
      .join('\n')}\n`,
  },
  {
    name: 'doctor.txt',
    size: 1_204,
    text: CHECKS.map(({ title, found }) => `${title}: ${found}`).join('\n'),
  },
  { name: 'system.txt', size: 312, text: 'llamapool 2.0.0 (4f878fd)\nmacOS 15.1, arm64\n' },
];

export const RUNTIMES: FoundRuntime[] = [
  {
    kind: 'ollama',
    title: 'Ollama',
    url: 'http://127.0.0.1:11434/v1',
    version: '0.12.3',
    models: MODELS.map(({ name }) => name),
    withheld: [],
    problem: null,
  },
  {
    kind: 'lm_studio',
    title: 'LM Studio',
    url: 'http://127.0.0.1:1234/v1',
    version: null,
    models: [],
    withheld: [],
    problem: 'LM Studio is running, but its server is off. Start it in LM Studio under Developer.',
  },
];
