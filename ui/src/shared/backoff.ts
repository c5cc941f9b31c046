// Exponential back-off between attempts.

/** First delay in milliseconds. A restarted server is back in about a second. */
const FIRST_MS = 1_000;
/** Longest delay in milliseconds, short enough for a person who watches the page. */
const LONGEST_MS = 15_000;

export class Backoff {
  #tries = 0;

  /** `random` spreads many open pages over half the delay. */
  constructor(private random: () => number = Math.random) {}

  next(): number {
    const full = Math.min(FIRST_MS * 2 ** this.#tries, LONGEST_MS);
    this.#tries += 1;
    return Math.round(full * (0.5 + this.random() / 2));
  }

  reset() {
    this.#tries = 0;
  }
}
