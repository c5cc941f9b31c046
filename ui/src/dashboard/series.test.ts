import { expect, test } from 'vitest';
import { aBin } from '../testing/samples';
import { alone, bridged, lastMinute, latest, peak, perMinute, series, stacked, total } from './series';

const NOW = 1_000_000_003;
const END = 1_000_000_000;

test('an hour of bins without gaps, without the one that still fills', () => {
  const hour = series([], NOW, 10_000);
  expect(hour.at).toHaveLength(360);
  expect(hour.at.at(-1)).toBe(END - 10);
});

test('counts become rates; bins that were not told were quiet', () => {
  const hour = series([aBin(END - 20, { requests: 5, tokens_out: 700, first_byte_p50_ms: 80 })], NOW, 10_000);
  expect(hour.requests.slice(-3)).toEqual([0, 0.5, 0]);
  expect(hour.tokens.at(-2)).toBe(70);
  expect(hour.p50.slice(-2)).toEqual([80, null]);
});

test('before the start of the server nothing is known', () => {
  const hour = series([], NOW, 25);
  expect(hour.requests.slice(-4)).toEqual([null, 0, 0, 0]);
  expect(hour.requests[0]).toBeNull();
});

test('figures of a line', () => {
  expect(lastMinute([9, 1, 1, 1, 4, 4, 1])).toBe(2);
  expect(lastMinute([null, null])).toBeNull();
  expect(latest([1, 2, null])).toBe(2);
  expect(peak([null, 3, 1])).toBe(3);
  expect(peak([null])).toBeNull();
  expect(total([1, null, 2])).toBe(3);
});

test('errors are summed by the minute and piled up', () => {
  const hour = series([aBin(END - 10, { failed: 1, left: 2 }), aBin(END - 60, { failed: 2 })], NOW, 10_000);
  const { at, lines } = perMinute(hour, ['failed', 'refused', 'left']);
  expect(at.at(-1)).toBe(END - 60);
  expect(lines.map((line) => line.at(-1))).toEqual([3, 0, 2]);
  expect(stacked(lines).map((line) => line.at(-1))).toEqual([3, 3, 5]);
});

test('a line crosses short gaps only, and a value without neighbours is a point', () => {
  const long = Array.from({ length: 6 }, () => null);
  const line = bridged([1, null, 2, ...long, 3, ...long]);
  expect(line.slice(0, 4)).toEqual([1, undefined, 2, null]);
  expect(line.slice(8)).toEqual([null, 3, ...long]);
  expect(alone(line)).toEqual([9]);
  expect(alone([5])).toEqual([0]);
  expect(alone([])).toEqual([]);
});
