// The only file that talks to the app behind the windows. Commands always reject with a `Problem`.

import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWindow } from '@tauri-apps/api/window';
import type { About } from './bindings/About';
import type { AppPreferences } from './bindings/AppPreferences';
import type { Check } from './bindings/Check';
import type { FoundRuntime } from './bindings/FoundRuntime';
import type { JoinLink } from './bindings/JoinLink';
import type { LoadBin } from './bindings/LoadBin';
import type { LogBatch } from './bindings/LogBatch';
import type { Preferences } from './bindings/Preferences';
import type { Problem } from './bindings/Problem';
import type { ReportFile } from './bindings/ReportFile';
import type { Saved } from './bindings/Saved';
import type { ServerTrial } from './bindings/ServerTrial';
import type { Setup } from './bindings/Setup';
import type { SetupNow } from './bindings/SetupNow';
import type { Snapshot } from './bindings/Snapshot';
import type { TestAnswer } from './bindings/TestAnswer';
import { t } from './strings';
import type { Control, CopyTarget, Level, PauseUntil, OpenTarget } from './types';

/** Events that the app sends. */
export interface Events {
  snapshot: Snapshot;
  preferences: Preferences;
  log: LogBatch;
  check: Check;
  checked: Check[];
  /** A join link was opened; `openedLink` returns it. */
  join: null;
  go: string;
}

export const api = {
  snapshot: () => call<Snapshot>('snapshot'),
  load: () => call<LoadBin[]>('load'),
  control: (action: Control) => call<void>('control', { action }),
  pause: (until: PauseUntil) => call<void>('pause', { until }),
  offer: (model: string, offered: boolean) => call<void>('offer', { model, offered }),

  preferences: () => call<Preferences>('preferences'),
  /** Returns why the value is invalid, or null. */
  checkPreference: (key: string, value: string) => call<string | null>('check_preference', { key, value }),
  /** A null value restores the default. */
  savePreferences: (changes: Record<string, string | null>) => call<Saved>('save_preferences', { changes }),
  /** Keeps drafts in the app for the next window. Null clears them. */
  keepDrafts: (drafts: string | null) => call<void>('keep_drafts', { drafts }),
  keptDrafts: () => call<string | null>('kept_drafts'),
  appPreferences: () => call<AppPreferences>('app_preferences'),
  saveAppPreferences: (preferences: AppPreferences) => call<void>('save_app_preferences', { preferences }),

  logs: (after: number | null) => call<LogBatch>('logs', { after }),
  setLogLevel: (level: Lowercase<Level>) => call<void>('set_log_level', { level }),

  doctor: () => call<void>('doctor'),
  reportPreview: () => call<ReportFile[]>('report_preview'),
  /** Returns the path of the saved report. */
  saveReport: () => call<string>('save_report'),

  setupNow: () => call<SetupNow>('setup_now'),
  readJoinLink: (text: string) => call<JoinLink>('read_join_link', { text }),
  /** Returns the link that was opened outside the app, once. Rejects if the link is not valid. */
  openedLink: () => call<JoinLink | null>('opened_link'),
  tryServer: (server_url: string, key: string | null, use_link_key: boolean) =>
    call<ServerTrial>('try_server', { trial: { server_url, key, use_link_key } }),
  findRuntimes: () => call<FoundRuntime[]>('find_runtimes'),
  finishSetup: (setup: Setup) => call<void>('finish_setup', { setup }),
  testRequest: (model: string | null, api_key: string | null) =>
    call<TestAnswer>('test_request', { model, api_key }),

  open: (what: OpenTarget) => call<void>('open', { what }),
  copy: (what: CopyTarget) => call<void>('copy', { what }),
  checkUpdate: () => call<void>('check_update'),
  restartToUpdate: () => call<void>('restart_to_update'),
  about: () => call<About>('about'),
  /** Third-party notices, close to a megabyte. */
  thirdParty: () => call<string>('third_party'),

  closeWindow: () => getCurrentWindow().close(),
};

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw asProblem(error);
  }
}

/** Turns anything thrown into a problem that can be shown. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'what' in error) return error as Problem;
  const why = error instanceof Error ? error.message : typeof error === 'string' ? error : null;
  return { what: t.problem.unexpected, why, fix: t.problem.unexpectedFix, field: null };
}

type Handlers = { [E in keyof Events]?: (payload: Events[E]) => void };

/** Listens to events from when `ready` resolves until `stop` is called. */
export function on(handlers: Handlers): { ready: Promise<void>; stop: () => void } {
  const heard = Object.entries(handlers).map(([event, then]) =>
    listen(event, ({ payload }) => (then as (payload: unknown) => void)(payload)),
  );
  return {
    ready: Promise.all(heard).then(() => undefined),
    stop: () => heard.forEach((one) => one.then((unlisten) => unlisten()).catch(() => undefined)),
  };
}
