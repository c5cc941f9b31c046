// The worker as the windows see it: the latest snapshot, what is shown, and what was tried and failed.

import type { LoadBin } from './bindings/LoadBin';
import type { Problem } from './bindings/Problem';
import type { Snapshot } from './bindings/Snapshot';
import { api, on } from './api';
import { isView, type Section, type View } from './types';

/** A bin of the load is so long; asking more often shows nothing new. */
const LOAD_EVERY_MS = 10_000;

export class AppState {
  snapshot = $state.raw<Snapshot | null>(null);
  /** Why the last thing that somebody asked for did not happen. */
  problem = $state.raw<Problem | null>(null);
  /** How many things are under way: buttons wait for them. */
  acting = $state(0);
  view = $state<View>('status');
  /** The section of the preferences to begin with, if somebody was led to one. */
  section: Section | null = null;
  load = $state.raw<LoadBin[]>([]);
  /** When the latest snapshot came, in Unix milliseconds: countdowns go on from there. */
  received_at = $state(0);

  constructor(view: string | null) {
    if (isView(view)) this.view = view;
  }

  /** Follows the worker until the returned function is called. */
  start(): () => void {
    const listening = on({
      snapshot: (snapshot) => this.#take(snapshot),
      go: (view) => isView(view) && (this.view = view),
    });
    void this.look(listening.ready);
    return listening.stop;
  }

  /** Leads to a section of the preferences. */
  prefer(section: Section) {
    this.section = section;
    this.view = 'preferences';
  }

  /** Asks for the state; what comes by event meanwhile is not older. */
  async look(after: Promise<unknown> = Promise.resolve()) {
    try {
      await after;
      const asked_at = Date.now();
      const snapshot = await api.snapshot();
      if (this.received_at < asked_at) this.#take(snapshot);
      this.problem = null;
    } catch (problem) {
      this.problem = problem as Problem;
    }
  }

  /** Keeps the load current while somebody looks at it. */
  followLoad(): () => void {
    const ask = () => {
      if (!document.hidden)
        void api.load().then(
          (load) => (this.load = load),
          () => undefined,
        );
    };
    ask();
    const timer = setInterval(ask, LOAD_EVERY_MS);
    document.addEventListener('visibilitychange', ask);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  }

  /** Does what somebody asked for; a failure is shown. Gives whether it worked. */
  async act(action: () => Promise<unknown>): Promise<boolean> {
    this.problem = null;
    this.acting += 1;
    try {
      await action();
      return true;
    } catch (problem) {
      this.problem = problem as Problem;
      return false;
    } finally {
      this.acting -= 1;
    }
  }

  #take(snapshot: Snapshot) {
    this.snapshot = snapshot;
    this.received_at = Date.now();
  }
}
