// What every component of the windows may ask for.

import { createContext } from 'svelte';
import type { Clock } from '../shared/clock.svelte';
import type { ThemeChoice } from '../shared/theme.svelte';
import type { Checkup } from './checkup.svelte';
import type { Desk } from './desk.svelte';
import type { Drafts } from './drafts.svelte';
import type { FirstRun } from './firstrun.svelte';
import type { Habits } from './habits.svelte';
import type { LogTail } from './tail.svelte';

export interface Windows {
  desk: Desk;
  drafts: Drafts;
  habits: Habits;
  tail: LogTail;
  checkup: Checkup;
  firstRun: FirstRun;
  clock: Clock;
  theme: ThemeChoice;
}

export const [windows, setWindows] = createContext<Windows>();
