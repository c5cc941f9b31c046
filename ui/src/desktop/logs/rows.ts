// Layout of a virtual list: only visible rows are rendered, and rendered rows are measured.

/** Rows rendered above and below the visible ones, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

export interface Rows {
  /** The start of each row in px, and finally the end of the list. */
  tops: Float64Array;
}

/** `height` returns the measured height of a row, or undefined. */
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

/** The range of rows to render; its end is exclusive. */
export function inSight(rows: Rows, top: number, height: number): [number, number] {
  const count = rows.tops.length - 1;
  return [
    Math.max(0, rowAt(rows, top) - SPARE_ROWS),
    Math.min(count, rowAt(rows, top + height) + 1 + SPARE_ROWS),
  ];
}
