// Rows that keep their place while the pointer is over them, so that a click hits the intended row.

export class Steady<T> {
  /** The rows since the pointer entered, in their order at that time. */
  #held = $state.raw<Map<unknown, T> | null>(null);

  /** Each row, and whether it still exists (`here`). */
  readonly rows: { row: T; here: boolean }[] = $derived.by(() => {
    const live = this.live();
    const held = this.#held;
    if (!held) return live.map((row) => ({ row, here: true }));
    for (const row of live) held.set(this.key(row), row); // new rows go to the end
    const here = new Set(live.map(this.key));
    return [...held].map(([key, row]) => ({ row, here: here.has(key) }));
  });

  constructor(
    private live: () => T[],
    private key: (row: T) => unknown,
  ) {}

  hold = () => {
    this.#held ??= new Map(this.live().map((row) => [this.key(row), row]));
  };

  release = () => {
    this.#held = null;
  };
}
