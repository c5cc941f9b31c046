import type { Phase } from './Phase';

/** All that the windows show of the worker: from the command `snapshot`, and by the event of that name at every change. */
export type Snapshot = {
  phase: Phase;
  /** The first line of the tray's menu. */
  headline: string;
  /** Attached to a worker service that already runs on this machine. */
  mode: 'embedded' | 'attached';
  worker: { name: string; id: string; version: string };
  server: {
    url: string;
    latency_ms: number | null;
    dashboard_url: string | null;
    endpoint_url: string | null;
  };
  reconnect_in_s: number | null;
  running: number;
  max_concurrency: number;
  runtime: { kind: string; version: string | null; ready: boolean; why: string | null; url: string | null };
  models: {
    name: string;
    offered: boolean;
    loaded: boolean | null;
    size_bytes: number | null;
    context: number | null;
    quantization: string | null;
  }[];
  live: {
    number: number;
    model: string | null;
    path: string;
    age_ms: number;
    bytes_out: number;
    state: string;
  }[];
  today: { requests: number; tokens_in: number; tokens_out: number };
  trouble: {
    what: string;
    /** Unix milliseconds. */
    at: number;
    fix: string | null;
    action: 'preferences' | 'diagnostics' | 'retry' | null;
  } | null;
  /** Unix milliseconds; in the phase `paused`, null means until somebody resumes. */
  paused_until: number | null;
  crash: { times: number; gave_up: boolean; why: string; lines: string[] } | null;
  update: {
    state: 'off' | 'idle' | 'checking' | 'staging' | 'staged' | 'failed';
    version: string | null;
    notes: string | null;
    why: string | null;
    /** Unix milliseconds. */
    checked_at: number | null;
  };
};
