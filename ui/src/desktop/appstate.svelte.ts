// The state of a window: the latest snapshot, the current view, and the last problem.

import type { LoadBin } from './bindings/LoadBin';
import type { Problem } from './bindings/Problem';
import type { Snapshot } from './bindings/Snapshot';
import { api, on } from './api';
import { isView, type Section, type View } from './types';

/** The length of a bin. More frequent requests would return the same data. */
const LOAD_EVERY_MS = 10_000;

export class AppState {
  snapshot = $state.raw<Snapshot | null>(null);
  /** Why the last action failed. */
  problem = $state.raw<Problem | null>(null);
  /** Number of actions in progress. Buttons are disabled meanwhile. */
  acting = $state(0);
  view = $state<View>('status');
  /** The section that Preferences opens with, if an action selected one. */
  section: Section | null = null;
  load = $state.raw<LoadBin[]>([]);
  /** When the latest snapshot arrived, in Unix milliseconds. Countdowns start from it. */
  received_at = $state(0);

  constructor(view: string | null) {
    if (isView(view)) this.view = view;
  }

  /** Follows the app's state until the returned function is called. */
  start(): () => void {
    const listening = on({
      snapshot: (snapshot) => this.#take(snapshot),
      go: (view) => isView(view) && (this.view = view),
    });
    void this.look(listening.ready);
    return listening.stop;
  }

  /** Opens a section of Preferences. */
  prefer(section: Section) {
    this.section = section;
    this.view = 'preferences';
  }

  /** Loads the state. A snapshot that arrives as an event meanwhile is newer and wins. */
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

  /** Keeps the load current while the window is visible. */
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

  /** Runs an action and shows the problem if it fails. Returns whether it succeeded. */
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
