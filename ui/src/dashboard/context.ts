// The context that all components of the dashboard share.

import { createContext } from 'svelte';
import type { Clock } from '../shared/clock.svelte';
import type { ThemeChoice } from '../shared/theme.svelte';
import type { Actions } from './actions.svelte';
import type { Api } from './api';
import type { Key } from './key.svelte';
import type { Playground } from './playground.svelte';
import type { Pool } from './pool.svelte';
import type { Route } from './route.svelte';

export interface Dashboard {
  api: Api;
  key: Key;
  pool: Pool;
  actions: Actions;
  playground: Playground;
  clock: Clock;
  theme: ThemeChoice;
  route: Route;
  /** ID of the worker whose details are open. */
  shown: { worker: string | null };
}

export const [dashboard, setDashboard] = createContext<Dashboard>();
