// From history bins to the lines of the charts.

import type { HistoryBin } from '../bindings/HistoryBin';

/** Seconds in a bin. */
export const BIN_S = 10;
const HOUR_S = 3600;
/** Charts of a young server begin at its start, but are never narrower than this: ten minutes. */
const SHORTEST_S = 600;
/** Seconds from which a bin that still fills says something of a rate; before it one request would look like a storm. */
const TELLING_S = BIN_S / 2;

export type Line = (number | null)[];

export interface Series {
  /** Where each bin begins, Unix seconds. */
  at: number[];
  /** For how long each bin was measured: the last one still fills. */
  seconds: Line;
  /** Ended per second. */
  requests: Line;
  /** Generated per second. */
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
 * The last hour in bins without gaps, the one that still fills included. A bin that was not told was quiet if the server
 * ran then, and unknown before its start.
 */
export function series(history: HistoryBin[], now: number, uptime: number): Series {
  const end = Math.floor(now / BIN_S) * BIN_S;
  const begun = now - uptime;
  const first = Math.max(
    end - HOUR_S + BIN_S,
    Math.min(Math.floor(begun / BIN_S) * BIN_S, end - SHORTEST_S + BIN_S),
  );
  const told = new Map(history.map((bin) => [bin.at, bin]));
  const at = Array.from({ length: (end - first) / BIN_S + 1 }, (_, i) => first + i * BIN_S);
  const bins = at.map((time) => told.get(time) ?? (time + BIN_S > begun ? 'quiet' : null));
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

/** So much came per second in the last minute, of which the last ten seconds may not be over; null if nothing is known. */
export function lastMinute(hour: Series, counts: Line): number | null {
  const size = 60 / BIN_S;
  const time = total(hour.seconds.slice(-size));
  return time === 0 ? null : total(counts.slice(-size)) / time;
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

/** What happened in a minute of the clock; what nobody measured is null. */
export interface Minute {
  /** Where it begins, Unix seconds. */
  at: number;
  ended: number | null;
  failed: number | null;
  refused: number | null;
  left: number | null;
  generated: number | null;
  /** The highest of its bins. */
  p95: number | null;
  inflight: number | null;
  queue: number | null;
}

/** The hour by the minute; a minute that is partly unknown counts what is known. */
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
