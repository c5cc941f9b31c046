// The key that the server asks for: in memory, and in the session's storage only if somebody wished it.

const STORED = 'llamapool.key';

export class Key {
  #value: string | null;
  /** Whether the server wants one that we do not have. */
  asked = $state(false);
  /** Whether it turned one down. */
  refused = $state(false);
  held = $state(false);

  constructor(private storage: Storage = sessionStorage) {
    this.#value = storage.getItem(STORED);
    this.held = this.#value !== null;
  }

  get value(): string | null {
    return this.#value;
  }

  /** Takes what somebody typed. */
  give(value: string, remember: boolean) {
    this.#value = value;
    this.held = true;
    this.asked = false;
    this.refused = false;
    if (remember) this.storage.setItem(STORED, value);
    else this.storage.removeItem(STORED);
  }

  /** The server said 401. */
  deny() {
    this.refused = this.#value !== null;
    this.#drop();
    this.asked = true;
  }

  /** Forgets it and asks again. */
  forget() {
    this.#drop();
    this.refused = false;
    this.asked = true;
  }

  #drop() {
    this.#value = null;
    this.held = false;
    this.storage.removeItem(STORED);
  }
}
