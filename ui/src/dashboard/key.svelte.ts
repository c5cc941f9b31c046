// The API key: kept in memory, and in session storage only if the user chooses so.

const STORED = 'llamapool.key';

export class Key {
  #value: string | null;
  /** Whether the server requires a key that we do not have. */
  asked = $state(false);
  /** Whether the server rejected the last key. */
  refused = $state(false);
  /** What the server says of a key that it knows, but whose role does not allow the dashboard. */
  reason = $state<string | null>(null);
  held = $state(false);

  constructor(private storage: Storage = sessionStorage) {
    this.#value = storage.getItem(STORED);
    this.held = this.#value !== null;
  }

  get value(): string | null {
    return this.#value;
  }

  /** Sets the key that the user entered. */
  give(value: string, remember: boolean) {
    this.#value = value;
    this.held = true;
    this.asked = false;
    this.refused = false;
    if (remember) this.storage.setItem(STORED, value);
    else this.storage.removeItem(STORED);
  }

  /** Handles a 401 response, or with a `reason` a 403 one. */
  deny(reason: string | null = null) {
    this.refused = this.#value !== null;
    this.reason = reason;
    this.#drop();
    this.asked = true;
  }

  /** Signs out: discards the key and asks for one. */
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
