// Where the rows of a long list are: only those in sight are drawn, and those drawn are measured.

/** Rows drawn above and below what is in sight, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

export interface Rows {
  /** Where each row begins, in px, and at last where the list ends. */
  tops: Float64Array;
}

/** `height` is the measured one of a row, or undefined. */
export function layOut(count: number, height: (i: number) => number | undefined, usual: number): Rows {
  const tops = new Float64Array(count + 1);
  for (let i = 0; i < count; i += 1) tops[i + 1] = tops[i]! + (height(i) ?? usual);
  return { tops };
}

/** The row at `y`. */
export function rowAt({ tops }: Rows, y: number): number {
  let [low, high] = [0, tops.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle]! <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** From where to before where is drawn. */
export function inSight(rows: Rows, top: number, height: number): [number, number] {
  const count = rows.tops.length - 1;
  return [
    Math.max(0, rowAt(rows, top) - SPARE_ROWS),
    Math.min(count, rowAt(rows, top + height) + 1 + SPARE_ROWS),
  ];
}
