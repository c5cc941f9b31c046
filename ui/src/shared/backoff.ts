// How long to wait before the next try.

/** First wait, milliseconds: a restarted server is back in about a second. */
const FIRST_MS = 1_000;
/** Longest wait, milliseconds: somebody who looks at the page should not wait longer. */
const LONGEST_MS = 15_000;

export class Backoff {
  #tries = 0;

  /** `random` spreads many open pages over half the wait. */
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
