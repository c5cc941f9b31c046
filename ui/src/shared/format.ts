// Formats numbers, durations and times. Every function accepts `null` for a missing value and shows a dash.

/** Shown for unknown values, which are never shown as zero. */
export const NONE = '–';

type Maybe = number | null | undefined;
const known = (value: Maybe): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** 7, 4,213, 12.3k, 4.56M */
export function count(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value < 10_000) return Math.round(value).toLocaleString('en');
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size * 0.9995) return `${threeDigits(value / size)}${unit}`;
  }
  return String(value);
}

/** All digits, for titles. */
export function exact(value: Maybe): string {
  return known(value) ? value.toLocaleString('en') : NONE;
}

/** Per second: 0, 0.4, 12.3, 140 */
export function rate(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value === 0) return '0';
  if (value < 0.05) return '<0.1';
  return value < 99.95 ? value.toFixed(1) : count(value);
}

/** 840 ms, 1.24 s, 2 min 5 s */
export function millis(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value < 999.5) return `${Math.round(value)} ms`;
  if (value < 9_995) return `${(value / 1000).toFixed(2)} s`;
  if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
  return span(value / 1000);
}

/** A round trip in whole milliseconds. It is never shown as 0 ms. */
export function roundTrip(value: Maybe): string {
  return value === 0 ? '<1 ms' : millis(value);
}

/** On an axis: 0, 250 ms, 1.5 s */
export function axisMillis(value: number): string {
  if (value === 0) return '0';
  return value < 1000 ? `${value} ms` : `${Number((value / 1000).toFixed(2))} s`;
}

/** On an axis: 0, 0.5, 20, 1.5k */
export function axisNumber(value: number): string {
  return value < 1000 ? String(Number(value.toFixed(2))) : `${Number((value / 1000).toFixed(2))}k`;
}

/** The two largest units: 12 s, 3 min 4 s, 2 h 10 min, 5 d 3 h */
export function span(seconds: Maybe): string {
  if (!known(seconds)) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return '0 s';
  const [large, small] = [parts[first]!, parts[first + 1]];
  const head = `${large[0]} ${large[1]}`;
  return small && small[0] > 0 ? `${head} ${small[0]} ${small[1]}` : head;
}

/** 512 B, 4.7 GB: powers of 1000 */
export function bytes(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value < 999.5) return `${Math.round(value)} B`;
  for (const [size, unit] of [
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (value >= size * 0.9995) return `${threeDigits(value / size)} ${unit}`;
  }
  return String(value);
}

/** 16 GiB: memory sizes are powers of 1024 */
export function memory(value: Maybe): string {
  return known(value) ? `${Math.round(value / 2 ** 30)} GiB` : NONE;
}

/** 8k, 128k: context lengths are powers of two */
export function context(tokens: Maybe): string {
  if (!known(tokens)) return NONE;
  return tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}k` : exact(tokens);
}

/** The local time of day: 14:03:07 */
export function clock(iso: string | null | undefined): string {
  const date = iso ? new Date(iso) : null;
  if (!date || Number.isNaN(date.getTime())) return NONE;
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
}

/** Seconds from `iso` until `now` (Unix milliseconds). */
export function since(iso: string | null | undefined, now: number): number | null {
  const then = iso ? Date.parse(iso) : NaN;
  return Number.isNaN(then) ? null : Math.max(0, (now - then) / 1000);
}

function threeDigits(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
