// The only file that talks to the app behind the windows. Commands reject with a `Problem`, whatever went wrong.

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

/** What the app says by itself. */
export interface Events {
  snapshot: Snapshot;
  preferences: Preferences;
  log: LogBatch;
  check: Check;
  checked: Check[];
  /** A join link was opened: ask for it. */
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
  /** Why the value is wrong, or null. */
  checkPreference: (key: string, value: string) => call<string | null>('check_preference', { key, value }),
  /** Null is back to the default. */
  savePreferences: (changes: Record<string, string | null>) => call<Saved>('save_preferences', { changes }),
  /** The app keeps these words for the next window; null is nothing to keep. */
  keepDrafts: (drafts: string | null) => call<void>('keep_drafts', { drafts }),
  keptDrafts: () => call<string | null>('kept_drafts'),
  appPreferences: () => call<AppPreferences>('app_preferences'),
  saveAppPreferences: (preferences: AppPreferences) => call<void>('save_app_preferences', { preferences }),

  logs: (after: number | null) => call<LogBatch>('logs', { after }),
  setLogLevel: (level: Lowercase<Level>) => call<void>('set_log_level', { level }),

  doctor: () => call<void>('doctor'),
  reportPreview: () => call<ReportFile[]>('report_preview'),
  /** Where it was saved. */
  saveReport: () => call<string>('save_report'),

  setupNow: () => call<SetupNow>('setup_now'),
  readJoinLink: (text: string) => call<JoinLink>('read_join_link', { text }),
  /** The link that was opened outside, the first time this is asked; rejects with what is wrong with it. */
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
  /** The notices of what it is made of: close to a megabyte. */
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

/** Whatever was thrown, in a shape that can be shown. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'what' in error) return error as Problem;
  const why = error instanceof Error ? error.message : typeof error === 'string' ? error : null;
  return { what: t.problem.unexpected, why, fix: t.problem.unexpectedFix, field: null };
}

type Handlers = { [E in keyof Events]?: (payload: Events[E]) => void };

/** Listens to events. They are heard from when `ready` resolves, until `stop` is called. */
export function on(handlers: Handlers): { ready: Promise<void>; stop: () => void } {
  const heard = Object.entries(handlers).map(([event, then]) =>
    listen(event, ({ payload }) => (then as (payload: unknown) => void)(payload)),
  );
  return {
    ready: Promise.all(heard).then(() => undefined),
    stop: () => heard.forEach((one) => one.then((unlisten) => unlisten()).catch(() => undefined)),
  };
}
