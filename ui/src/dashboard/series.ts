// Turns history bins into chart series.

import type { HistoryBin } from '../bindings/HistoryBin';

/** Seconds per bin. */
export const BIN_S = 10;
const HOUR_S = 3600;
/** Minimum width of the charts. Charts of a recently started server begin at its start. */
const SHORTEST_S = 600;
/** Minimum age in seconds at which the current bin counts as a rate. Earlier, one request would look like a spike. */
const TELLING_S = BIN_S / 2;

export type Line = (number | null)[];

export interface Series {
  /** Start of each bin, in Unix seconds. */
  at: number[];
  /** Measured seconds of each bin. The last one is still filling. */
  seconds: Line;
  /** Finished requests per second. */
  requests: Line;
  /** Output tokens per second. */
  tokens: Line;
  ended: Line;
  generated: Line;
  p50: Line;
  p95: Line;
  queue: Line;
  inflight: Line;
  failed: Line;
  refused: Line;
  left: Line;
}

/**
 * The last hour in bins without gaps, including the current one. A bin that the server did not send is empty if the server
 * was running, and unknown before its start.
 */
export function series(history: HistoryBin[], now: number, uptime: number): Series {
  const end = Math.floor(now / BIN_S) * BIN_S;
  const begun = now - uptime;
  const first = Math.max(
    end - HOUR_S + BIN_S,
    Math.min(Math.floor(begun / BIN_S) * BIN_S, end - SHORTEST_S + BIN_S),
  );
  const known = new Map(history.map((bin) => [bin.at, bin]));
  const at = Array.from({ length: (end - first) / BIN_S + 1 }, (_, i) => first + i * BIN_S);
  const bins = at.map((time) => known.get(time) ?? (time + BIN_S > begun ? 'quiet' : null));
  const line = (pick: (bin: HistoryBin) => number | null, quiet: number | null): Line =>
    bins.map((bin) => (bin === null ? null : bin === 'quiet' ? quiet : pick(bin)));
  const seconds = at.map((time, i) =>
    bins[i] === null ? null : Math.min(time + BIN_S, now) - Math.max(time, Math.min(begun, now - 1)),
  );
  const ended = line((bin) => bin.requests, 0);
  const generated = line((bin) => bin.tokens_out, 0);
  const perSecond = (counts: Line): Line =>
    counts.map((count, i) =>
      count === null || seconds[i]! < TELLING_S ? null : count / Math.min(BIN_S, seconds[i]!),
    );
  return {
    at,
    seconds,
    requests: perSecond(ended),
    tokens: perSecond(generated),
    ended,
    generated,
    p50: line((bin) => bin.first_byte_p50_ms, null),
    p95: line((bin) => bin.first_byte_p95_ms, null),
    queue: line((bin) => bin.queue, 0),
    inflight: line((bin) => bin.inflight, 0),
    failed: line((bin) => bin.failed, 0),
    refused: line((bin) => bin.refused, 0),
    left: line((bin) => bin.left, 0),
  };
}

/** The rate over the last minute, of which the last ten seconds may not be over. Null if there is no data. */
export function lastMinute(hour: Series, counts: Line): number | null {
  const size = 60 / BIN_S;
  const time = total(hour.seconds.slice(-size));
  return time === 0 ? null : total(counts.slice(-size)) / time;
}

/** The latest known value. */
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

/** Totals of one clock minute. Unknown values are null. */
export interface Minute {
  /** Start, in Unix seconds. */
  at: number;
  ended: number | null;
  failed: number | null;
  refused: number | null;
  left: number | null;
  generated: number | null;
  /** The maximum of its bins. */
  p95: number | null;
  inflight: number | null;
  queue: number | null;
}

/** The hour by minute. A partly unknown minute counts the known part. */
export function minutes(hour: Series): Minute[] {
  const begins = [...new Set(hour.at.map((at) => at - (at % 60)))];
  const first = hour.at[0] ?? 0;
  return begins.map((at) => {
    const part = (line: Line) =>
      line
        .slice(Math.max(0, (at - first) / BIN_S), (at + 60 - first) / BIN_S)
        .filter((value) => value !== null);
    const sum = (line: Line) => (part(line).length === 0 ? null : total(part(line)));
    return {
      at,
      ended: sum(hour.ended),
      failed: sum(hour.failed),
      refused: sum(hour.refused),
      left: sum(hour.left),
      generated: sum(hour.generated),
      p95: peak(part(hour.p95)),
      inflight: peak(part(hour.inflight)),
      queue: peak(part(hour.queue)),
    };
  });
}

/** Stacks each line on the ones before it. */
export function stacked(lines: Line[]): Line[] {
  let below: Line | null = null;
  return lines.map((line) => {
    const under: Line | null = below;
    const pile = line.map((value, i) => (value === null ? null : value + (under?.[i] ?? 0)));
    below = pile;
    return pile;
  });
}

/** Number of empty bins that a line bridges. Beyond a minute, it would show values that nobody measured. */
const BRIDGE = 60 / BIN_S;

/** The line with short gaps as `undefined`, which uPlot bridges. Long gaps stay `null`. */
export function bridged(line: Line): (number | null | undefined)[] {
  const known = line.flatMap((value, i) => (value === null ? [] : [i]));
  const crossed = new Set<number>();
  for (const [n, from] of known.entries()) {
    const to = known[n + 1] ?? from;
    for (let i = from + 1; to - from <= BRIDGE && i < to; i++) crossed.add(i);
  }
  return line.map((value, i) => (crossed.has(i) ? undefined : value));
}

/** Values without a neighbour, which are drawn as points. */
export function alone(line: ArrayLike<number | null | undefined>): number[] {
  const gap = (value: number | null | undefined, i: number) => value === null || i < 0 || i >= line.length;
  return Array.from(line).flatMap((value, i) =>
    typeof value === 'number' && gap(line[i - 1], i - 1) && gap(line[i + 1], i + 1) ? [i] : [],
  );
}
