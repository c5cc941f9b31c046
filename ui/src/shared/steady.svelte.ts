// Rows that stay where they are while somebody points at them, so that a click hits what it was meant for.

export class Steady<T> {
  /** What was there since the pointer came, in its order then. */
  #held = $state.raw<Map<unknown, T> | null>(null);

  /** Each row, and whether it is still `here`. */
  readonly rows: { row: T; here: boolean }[] = $derived.by(() => {
    const live = this.live();
    const held = this.#held;
    if (!held) return live.map((row) => ({ row, here: true }));
    for (const row of live) held.set(this.key(row), row); // new ones go to the end
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
