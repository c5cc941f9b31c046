// What the buttons do: one call, then a word on how it went. The new state itself comes with the stream.

import { ApiError, type Api } from './api';

export interface Toast {
  number: number;
  text: string;
  bad: boolean;
}

/** Milliseconds that a good word stays; a bad one stays until it is put away. */
const SHOWN_MS = 4_000;

export class Actions {
  toasts = $state<Toast[]>([]);
  /** What is under way: pressing its button again does nothing. */
  busy = $state<Record<string, boolean>>({});
  #numbers = 0;

  constructor(
    readonly api: Api,
    private denied: () => void = () => {},
  ) {}

  /** Runs `call` once for its `name`; tells `done`, or the server's refusal. */
  async run(name: string, call: () => Promise<unknown>, done: string) {
    if (this.busy[name]) return;
    this.busy[name] = true;
    try {
      await call();
      this.tell(done);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.denied();
      this.tell(error instanceof ApiError ? error.message : String(error), true);
    } finally {
      delete this.busy[name];
    }
  }

  tell(text: string, bad = false) {
    const number = ++this.#numbers;
    this.toasts.push({ number, text, bad });
    if (!bad) setTimeout(() => this.dismiss(number), SHOWN_MS);
  }

  dismiss(number: number) {
    this.toasts = this.toasts.filter((toast) => toast.number !== number);
  }
}
