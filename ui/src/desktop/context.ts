// The context that all components of a window share.

import { createContext } from 'svelte';
import type { Clock } from '../shared/clock.svelte';
import type { ThemeChoice } from '../shared/theme.svelte';
import type { DiagnosticsRun } from './diagnostics.svelte';
import type { AppState } from './appstate.svelte';
import type { Drafts } from './drafts.svelte';
import type { FirstRun } from './firstrun.svelte';
import type { AppSettings } from './appsettings.svelte';
import type { LogTail } from './tail.svelte';

export interface Windows {
  app: AppState;
  drafts: Drafts;
  settings: AppSettings;
  tail: LogTail;
  diagnostics: DiagnosticsRun;
  firstRun: FirstRun;
  clock: Clock;
  theme: ThemeChoice;
}

export const [windows, setWindows] = createContext<Windows>();
