import { expect, test } from 'vitest';
import { aBin } from '../testing/samples';
import { alone, bridged, lastMinute, latest, minutes, peak, series, stacked, total } from './series';

const NOW = 1_000_000_003;
const END = 1_000_000_000;

test('an hour of bins without gaps, including the current one', () => {
  const hour = series([], NOW, 10_000);
  expect(hour.at).toHaveLength(360);
  expect(hour.at.at(-1)).toBe(END);
  expect(hour.seconds.slice(-2)).toEqual([10, 3]);
});

test('counts become rates; missing bins are empty', () => {
  const hour = series([aBin(END - 20, { requests: 5, tokens_out: 700, first_byte_p50_ms: 80 })], NOW, 10_000);
  expect(hour.requests.slice(-4)).toEqual([0, 0.5, 0, null]);
  expect(hour.tokens.at(-3)).toBe(70);
  expect(hour.p50.slice(-3)).toEqual([80, null, null]);
});

test('the current bin counts immediately, and has a rate when it is half full', () => {
  const bin = aBin(END, { requests: 4, failed: 1, queue: 2 });
  const early = series([bin], END + 4, 10_000);
  expect([early.ended.at(-1), early.failed.at(-1), early.queue.at(-1)]).toEqual([4, 1, 2]);
  expect(early.requests.at(-1)).toBeNull();
  expect(series([bin], END + 8, 10_000).requests.at(-1)).toBe(0.5);
});

test('values before the server’s start are unknown, and few of them are shown', () => {
  const hour = series([], NOW, 25);
  expect(hour.ended.slice(-5)).toEqual([null, 0, 0, 0, 0]);
  expect(hour.seconds.slice(-4)).toEqual([2, 10, 10, 3]);
  expect(hour.at).toHaveLength(60);
  expect(series([], NOW, 1_200).at).toHaveLength(121);
});

test('the last minute covers only measured time', () => {
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

test('total, peak and latest value of a line', () => {
  expect(latest([1, 2, null])).toBe(2);
  expect(peak([null, 3, 1])).toBe(3);
  expect(peak([null])).toBeNull();
  expect(total([1, null, 2])).toBe(3);
});

test('an hour by clock minute, and stacked lines', () => {
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

test('a line bridges only short gaps, and a value without neighbours is a point', () => {
  const long = Array.from({ length: 6 }, () => null);
  const line = bridged([1, null, 2, ...long, 3, ...long]);
  expect(line.slice(0, 4)).toEqual([1, undefined, 2, null]);
  expect(line.slice(8)).toEqual([null, 3, ...long]);
  expect(alone(line)).toEqual([9]);
  expect(alone([5])).toEqual([0]);
  expect(alone([])).toEqual([]);
});
