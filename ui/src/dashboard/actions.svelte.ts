// Actions of the buttons: one API call, then a toast with the result. The new state arrives with the stream.

import { ApiError, type Api } from './api';

export interface Toast {
  number: number;
  text: string;
  bad: boolean;
}

/** Time that a success toast stays, in milliseconds. An error toast stays until it is dismissed. */
const SHOWN_MS = 4_000;

export class Actions {
  toasts = $state<Toast[]>([]);
  /** Actions in progress. Pressing the button of one again does nothing. */
  busy = $state<Record<string, boolean>>({});
  #numbers = 0;

  constructor(
    readonly api: Api,
    private denied: () => void = () => {},
  ) {}

  /** Runs `call`, unless an action with this `name` is in progress, and shows `done`, if given, or the server's error. */
  async run(name: string, call: () => Promise<unknown>, done?: string) {
    if (this.busy[name]) return;
    this.busy[name] = true;
    try {
      await call();
      if (done !== undefined) this.tell(done);
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
