// A fake app behind the windows: it answers commands from its state and records them.

import { emit } from '@tauri-apps/api/event';
import { mockIPC, mockWindows } from '@tauri-apps/api/mocks';
import type { Events } from '../../desktop/api';
import type { AppPreferences } from '../../desktop/bindings/AppPreferences';
import type { Problem } from '../../desktop/bindings/Problem';
import type { SetupNow } from '../../desktop/bindings/SetupNow';
import * as samples from './samples';

type Args = Record<string, unknown>;
type Answer = (args: Args) => unknown;

export const aProblem = (what: string, over: Partial<Problem> = {}): Problem => ({
  what,
  why: null,
  fix: null,
  field: null,
  ...over,
});

export class FakeApp {
  snapshot = samples.aSnapshot();
  preferences = samples.aPreferences();
  appPreferences: AppPreferences = samples.anApp();
  /** Drafts that the last window saved. */
  kept: string | null = null;
  setup: SetupNow = {
    configured: false,
    runtime_url: null,
    name: null,
    start_at_login: false,
    notifications: true,
  };
  lines = samples.lines(0, 40);
  /** Every command in order, with its arguments. */
  calls: { command: string; args: Args }[] = [];
  /** Answers that override the usual ones. They may throw a problem. */
  answers: Record<string, Answer> = {};

  /** Replaces the app in this page. */
  install(label = 'main'): this {
    mockWindows(label);
    mockIPC((command, args) => this.#answer(command, (args ?? {}) as Args), { shouldMockEvents: true });
    return this;
  }

  /** Sends an event. */
  send<E extends keyof Events>(event: E, payload: Events[E]) {
    return emit(event, payload);
  }

  commands(name: string): Args[] {
    return this.calls.filter(({ command }) => command === name).map(({ args }) => args);
  }

  #answer(command: string, args: Args): unknown {
    this.calls.push({ command, args });
    const answer = this.answers[command] ?? this.#usual[command];
    return answer?.(args);
  }

  #usual: Record<string, Answer> = {
    snapshot: () => this.snapshot,
    load: () => [],
    preferences: () => this.preferences,
    check_preference: ({ key, value }) =>
      key === 'max_concurrency' && !/^[1-9]\d{0,3}$/.test(String(value))
        ? 'Enter a number from 1 to 4096'
        : null,
    save_preferences: ({ changes }) => ({
      effect: Object.keys(changes as object).some((key) => key !== 'max_concurrency') ? 'restart' : 'now',
      applied: Object.keys(changes as object),
    }),
    keep_drafts: ({ drafts }) => {
      this.kept = drafts as string | null;
    },
    kept_drafts: () => this.kept,
    app_preferences: () => this.appPreferences,
    save_app_preferences: ({ preferences }) => {
      this.appPreferences = preferences as AppPreferences;
    },
    logs: () => ({ lines: this.lines, next: (this.lines.at(-1)?.seq ?? -1) + 1 }),
    report_preview: () => samples.REPORT,
    save_report: () => '~/Downloads/llamapool-report-2026-11-21.zip',
    setup_now: () => this.setup,
    finish_setup: () => {
      this.appPreferences = { ...this.appPreferences, first_run_done: true };
    },
    read_join_link: ({ text }) => {
      if (!String(text).startsWith('llamapool://join?'))
        throw aProblem('That doesn’t look like a join link', {
          fix: 'Join links start with llamapool://join',
        });
      return { server_url: 'wss://pool.example.com/api/workers/connect', has_key: true };
    },
    try_server: () => ({
      server_version: '2.0.0',
      latency_ms: 23,
      endpoint_url: 'https://pool.example.com/api/v1',
    }),
    find_runtimes: () => samples.RUNTIMES,
    test_request: ({ model }) => ({
      model: model ?? 'llama3.3:70b-instruct-q4_K_M',
      text: 'Hello! How can I help you today?',
      first_byte_ms: 412,
      tokens_per_second: 38.4,
      total_ms: 1_530,
    }),
    about: () => ({
      version: '2.0.0',
      build_sha: '4f878fd21c0e',
      build_date: '2026-11-21',
      licence: 'MIT',
    }),
    third_party: () =>
      'tauri 2.12.5 (MIT or Apache-2.0)\ntokio 1.48.0 (MIT)\nsvelte 5.57.3 (MIT)\n'.repeat(12),
  };
}
