import { expect, test } from 'vitest';
import { aBin } from '../testing/samples';
import { alone, bridged, lastMinute, latest, minutes, peak, series, stacked, total } from './series';

const NOW = 1_000_000_003;
const END = 1_000_000_000;

test('an hour of bins without gaps, with the one that still fills', () => {
  const hour = series([], NOW, 10_000);
  expect(hour.at).toHaveLength(360);
  expect(hour.at.at(-1)).toBe(END);
  expect(hour.seconds.slice(-2)).toEqual([10, 3]);
});

test('counts become rates; bins that were not told were quiet', () => {
  const hour = series([aBin(END - 20, { requests: 5, tokens_out: 700, first_byte_p50_ms: 80 })], NOW, 10_000);
  expect(hour.requests.slice(-4)).toEqual([0, 0.5, 0, null]);
  expect(hour.tokens.at(-3)).toBe(70);
  expect(hour.p50.slice(-3)).toEqual([80, null, null]);
});

test('a bin that still fills counts at once, and tells a rate when it is half full', () => {
  const bin = aBin(END, { requests: 4, failed: 1, queue: 2 });
  const early = series([bin], END + 4, 10_000);
  expect([early.ended.at(-1), early.failed.at(-1), early.queue.at(-1)]).toEqual([4, 1, 2]);
  expect(early.requests.at(-1)).toBeNull();
  expect(series([bin], END + 8, 10_000).requests.at(-1)).toBe(0.5);
});

test('before the start of the server nothing is known, and little of that is shown', () => {
  const hour = series([], NOW, 25);
  expect(hour.ended.slice(-5)).toEqual([null, 0, 0, 0, 0]);
  expect(hour.seconds.slice(-4)).toEqual([2, 10, 10, 3]);
  expect(hour.at).toHaveLength(60);
  expect(series([], NOW, 1_200).at).toHaveLength(121);
});

test('the last minute is as long as it was measured', () => {
  const bins = [
    aBin(END - 100, { requests: 99 }),
    aBin(END - 10, { requests: 50 }),
    aBin(END, { requests: 3 }),
  ];
  const hour = series(bins, NOW, 10_000);
  expect(lastMinute(hour, hour.ended)).toBe(1);
  const young = series([aBin(END, { requests: 4 })], END + 4, 2);
  expect(lastMinute(young, young.ended)).toBe(2);
});

test('figures of a line', () => {
  expect(latest([1, 2, null])).toBe(2);
  expect(peak([null, 3, 1])).toBe(3);
  expect(peak([null])).toBeNull();
  expect(total([1, null, 2])).toBe(3);
});

test('an hour by the minute of the clock, and lines piled up', () => {
  const minute = END - (END % 60);
  const bins = [
    aBin(minute, { requests: 3, failed: 1, left: 2, queue: 1, first_byte_p95_ms: 70 }),
    aBin(minute - 10, { requests: 2, failed: 2, queue: 4, first_byte_p95_ms: 90 }),
  ];
  const hour = minutes(series(bins, NOW, 10_000));
  expect(hour.at(-1)).toMatchObject({
    at: minute,
    ended: 3,
    failed: 1,
    refused: 0,
    left: 2,
    queue: 1,
    p95: 70,
  });
  expect(hour.at(-2)).toMatchObject({ at: minute - 60, ended: 2, failed: 2, queue: 4, p95: 90 });
  expect(
    stacked([
      [1, 2],
      [3, null],
    ]),
  ).toEqual([
    [1, 2],
    [4, null],
  ]);
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
