// The state of the pool as the server last told it, and how fresh that is. Follows the stream and comes back when
// it drops.

import type { Snapshot } from '../bindings/Snapshot';
import { Backoff } from '../shared/backoff';
import { ApiError, type Api, type StateEvent } from './api';
import type { Key } from './key.svelte';
import { merge } from './merge';

/** `live`: the stream runs. Everything else means that what is shown may be past. */
export type Link = 'connecting' | 'live' | 'waiting' | 'denied';

/** Milliseconds. The server says something every 15 s; a third more is for slow networks. */
export const SILENCE_MS = 20_000;

export class Pool {
  snapshot = $state.raw<Snapshot | null>(null);
  link = $state<Link>('connecting');
  /** When anything was last heard, Unix milliseconds. */
  heardAt = $state(Date.now());
  /** When the next try begins, Unix milliseconds, if `waiting`. */
  retryAt = $state(0);
  /** Why the server refuses, if it said so. */
  problem = $state<string | null>(null);
  readonly stale: boolean = $derived(this.link !== 'live');

  /** The server's clock minus ours, milliseconds. */
  #skew = 0;
  #wake: (() => void) | null = null;

  constructor(
    private api: Pick<Api, 'state'>,
    private key: Key,
    private backoff = new Backoff(),
  ) {}

  /** Follows the stream until the returned function is called. */
  start(): () => void {
    const running = new AbortController();
    void this.#follow(running.signal);
    return () => running.abort();
  }

  /** Does not wait for the next try. */
  retry() {
    this.backoff.reset();
    this.#wake?.();
  }

  /** `now` on the server's clock. */
  serverTime(now: number): number {
    return now + this.#skew;
  }

  async #follow(stop: AbortSignal) {
    while (!stop.aborted) {
      try {
        await this.#listen(stop);
        this.problem = null;
      } catch (error) {
        if (stop.aborted) return;
        // What the browser says of a lost connection helps nobody.
        this.problem = error instanceof ApiError ? error.message : null;
        if (error instanceof ApiError && error.status === 401) {
          this.link = 'denied';
          this.key.deny();
          await this.#pause(stop);
          continue;
        }
      }
      if (stop.aborted) return;
      const wait = this.backoff.next();
      this.retryAt = Date.now() + wait;
      this.link = 'waiting';
      await this.#pause(stop, wait);
    }
  }

  /** One stream from its start to its end. Silence ends it too. */
  async #listen(stop: AbortSignal) {
    const current = new AbortController();
    const end = () => current.abort();
    stop.addEventListener('abort', end);
    let watchdog = setTimeout(end, SILENCE_MS);
    try {
      this.link = 'connecting';
      for await (const event of this.api.state(current.signal)) {
        clearTimeout(watchdog);
        watchdog = setTimeout(end, SILENCE_MS);
        this.#take(event);
      }
    } finally {
      clearTimeout(watchdog);
      stop.removeEventListener('abort', end);
    }
  }

  #take(event: StateEvent) {
    this.heardAt = Date.now();
    if (event.kind === 'alive') return;
    const former = this.snapshot;
    this.snapshot = event.kind === 'update' && former ? merge(former, event.snapshot) : event.snapshot;
    this.#skew = Date.parse(event.snapshot.server.now) - this.heardAt || 0;
    this.link = 'live';
    this.problem = null;
    this.key.asked = false;
    this.backoff.reset();
  }

  /** Until `retry()`, the end, or `wait` milliseconds. */
  #pause(stop: AbortSignal, wait?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = wait === undefined ? undefined : setTimeout(() => done(), wait);
      const done = () => {
        clearTimeout(timer);
        stop.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      this.#wake = done;
      stop.addEventListener('abort', done);
    });
  }
}
