// The latest state of the pool and its freshness. Follows the state stream and reconnects when
// it is lost.

import type { Snapshot } from '../bindings/Snapshot';
import { Backoff } from '../shared/backoff';
import { ApiError, type Api, type StateEvent } from './api';
import type { Key } from './key.svelte';
import { merge } from './merge';

/** `live`: the stream is connected. In any other state, the data may be outdated. */
export type Link = 'connecting' | 'live' | 'waiting' | 'denied';

/** Silence, in milliseconds, that means a lost connection. The server sends something every 15 s. */
export const SILENCE_MS = 20_000;

export class Pool {
  snapshot = $state.raw<Snapshot | null>(null);
  link = $state<Link>('connecting');
  /** When the last event arrived, in Unix milliseconds. */
  heardAt = $state(Date.now());
  /** When the next attempt starts, in Unix milliseconds, if `waiting`. */
  retryAt = $state(0);
  /** The server's error message, if it sent one. */
  problem = $state<string | null>(null);
  readonly stale: boolean = $derived(this.link !== 'live');

  /** The server's clock minus ours, in milliseconds. */
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

  /** Reconnects immediately. */
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
        // The browser's own message about a lost connection is not helpful.
        this.problem = error instanceof ApiError ? error.message : null;
        const status = error instanceof ApiError ? error.status : null;
        // Without a key, a 403 is about the page's origin, which no key changes.
        if (status === 401 || (status === 403 && this.key.held)) {
          this.link = 'denied';
          this.key.deny(status === 403 ? this.problem : null);
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

  /** Reads one stream until it ends or falls silent. */
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
    if (event.kind === 'snapshot') this.snapshot = event.snapshot;
    else if (former) this.snapshot = merge(former, event.update);
    const { server } = event.kind === 'snapshot' ? event.snapshot : event.update;
    this.#skew = Date.parse(server.now) - this.heardAt || 0;
    this.link = 'live';
    this.problem = null;
    this.key.asked = false;
    this.backoff.reset();
  }

  /** Resolves after `retry()`, `stop` or `wait` milliseconds. */
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
