// From history bins to the lines of the charts.

import type { HistoryBin } from '../bindings/HistoryBin';

/** Seconds in a bin. */
export const BIN_S = 10;
const HOUR_S = 3600;

export type Line = (number | null)[];

export interface Series {
  /** Where each bin begins, Unix seconds. */
  at: number[];
  requests: Line;
  tokens: Line;
  p50: Line;
  p95: Line;
  queue: Line;
  inflight: Line;
  failed: Line;
  refused: Line;
  left: Line;
}

/**
 * The last hour in bins without gaps. A bin that was not told was quiet if the server ran then, and unknown before its
 * start. The bin that still fills is left out: it would look like a fall.
 */
export function series(history: HistoryBin[], now: number, uptime: number): Series {
  const end = Math.floor(now / BIN_S) * BIN_S;
  // The oldest bin may have been dropped already.
  const begun = Math.max(now - uptime, end - HOUR_S + BIN_S);
  const told = new Map(history.map((bin) => [bin.at, bin]));
  const at = Array.from({ length: HOUR_S / BIN_S }, (_, i) => end - HOUR_S + i * BIN_S);
  const bins = at.map((time) => told.get(time) ?? (time + BIN_S > begun ? 'quiet' : null));
  const line = (pick: (bin: HistoryBin) => number | null, quiet: number | null): Line =>
    bins.map((bin) => (bin === null ? null : bin === 'quiet' ? quiet : pick(bin)));
  return {
    at,
    requests: line((bin) => bin.requests / BIN_S, 0),
    tokens: line((bin) => bin.tokens_out / BIN_S, 0),
    p50: line((bin) => bin.first_byte_p50_ms, null),
    p95: line((bin) => bin.first_byte_p95_ms, null),
    queue: line((bin) => bin.queue, 0),
    inflight: line((bin) => bin.inflight, 0),
    failed: line((bin) => bin.failed, 0),
    refused: line((bin) => bin.refused, 0),
    left: line((bin) => bin.left, 0),
  };
}

/** The mean of the last minute; null if nothing is known of it. */
export function lastMinute(line: Line): number | null {
  const values = line.slice(-60 / BIN_S).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

/** The last value there is. */
export function latest(line: Line): number | null {
  return line.findLast((value) => value !== null) ?? null;
}

export function peak(line: Line): number | null {
  const values = line.filter((value) => value !== null);
  return values.length === 0 ? null : Math.max(...values);
}

export function total(line: Line): number {
  return line.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** The sums of each minute of the chosen lines; a minute that is partly unknown counts what is known. */
export function perMinute(
  hour: Series,
  names: ('failed' | 'refused' | 'left')[],
): { at: number[]; lines: Line[] } {
  const size = 60 / BIN_S;
  const minutes = Array.from({ length: hour.at.length / size }, (_, i) => i * size);
  const sum = (line: Line, from: number) => {
    const known = line.slice(from, from + size).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
  };
  return {
    at: minutes.map((i) => hour.at[i]!),
    lines: names.map((name) => minutes.map((i) => sum(hour[name], i))),
  };
}

/** Each line on top of those before it. */
export function stacked(lines: Line[]): Line[] {
  let below: Line | null = null;
  return lines.map((line) => {
    const under: Line | null = below;
    const pile = line.map((value, i) => (value === null ? null : value + (under?.[i] ?? 0)));
    below = pile;
    return pile;
  });
}

/** Bins of silence that a line still crosses; beyond a minute it would tell what nobody measured. */
const BRIDGE = 60 / BIN_S;

/** The line with its short gaps as `undefined`, which is drawn across; the long ones stay `null`. */
export function bridged(line: Line): (number | null | undefined)[] {
  const known = line.flatMap((value, i) => (value === null ? [] : [i]));
  const crossed = new Set<number>();
  for (const [n, from] of known.entries()) {
    const to = known[n + 1] ?? from;
    for (let i = from + 1; to - from <= BRIDGE && i < to; i++) crossed.add(i);
  }
  return line.map((value, i) => (crossed.has(i) ? undefined : value));
}

/** Where a value has no neighbour to draw a line to. */
export function alone(line: ArrayLike<number | null | undefined>): number[] {
  const gap = (value: number | null | undefined, i: number) => value === null || i < 0 || i >= line.length;
  return Array.from(line).flatMap((value, i) =>
    typeof value === 'number' && gap(line[i - 1], i - 1) && gap(line[i + 1], i + 1) ? [i] : [],
  );
}
