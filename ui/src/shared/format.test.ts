import { expect, test } from 'vitest';
import * as f from './format';

const cases = <T>(format: (value: T) => string, table: [T, string][]) =>
  test.each(table)(`${format.name} %o is %s`, (value, text) => expect(format(value)).toBe(text));

cases(f.count, [
  [null, '–'],
  [NaN, '–'],
  [0, '0'],
  [9_999, '9,999'],
  [10_000, '10.0k'],
  [999_499, '999k'],
  [999_999, '1.00M'],
  [4_567_890, '4.57M'],
  [7.3e10, '73.0G'],
]);
cases(f.rate, [
  [null, '–'],
  [0, '0'],
  [0.04, '<0.1'],
  [0.44, '0.4'],
  [99.94, '99.9'],
  [99.96, '100'],
]);
cases(f.millis, [
  [undefined, '–'],
  [0, '0 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [9_996, '10.0 s'],
  [59_999, '59 s'],
  [125_000, '2 min 5 s'],
]);
cases(f.roundTrip, [
  [null, '–'],
  [0, '<1 ms'],
  [1, '1 ms'],
]);
cases(f.span, [
  [0.4, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3_661, '1 h 1 min'],
  [90_000, '1 d 1 h'],
  [-5, '0 s'],
]);
cases(f.bytes, [
  [512, '512 B'],
  [999.6, '1.00 kB'],
  [4_700_000_000, '4.70 GB'],
  [65_369_818_941, '65.4 GB'],
]);
cases(f.memory, [[192 * 2 ** 30, '192 GiB']]);
cases(f.context, [
  [131_072, '128k'],
  [5_000, '5,000'],
]);
cases(f.clock, [
  [null, '–'],
  ['never', '–'],
]);
cases(f.axisMillis, [
  [0, '0'],
  [250, '250 ms'],
  [1_500, '1.5 s'],
]);
cases(f.axisNumber, [
  [0.5, '0.5'],
  [1_500, '1.5k'],
]);

test('an age is never negative, and is unknown without a time', () => {
  const now = Date.parse('2026-11-21T12:00:10Z');
  expect(f.since('2026-11-21T12:00:00Z', now)).toBe(10);
  expect(f.since('2026-11-21T12:00:30Z', now)).toBe(0);
  expect(f.since(null, now)).toBeNull();
  expect(f.since('?', now)).toBeNull();
});
