import { expect, test } from 'vitest';
import { Steady } from './steady.svelte';

test('held rows keep their places, and removed rows stay marked', () => {
  let live = $state.raw([1, 2, 3]);
  const steady = new Steady(
    () => live,
    (row) => row,
  );
  const shown = () => steady.rows.map(({ row, here }) => (here ? `${row}` : `(${row})`)).join(' ');
  expect(shown()).toBe('1 2 3');
  steady.hold();
  live = [3, 2, 4];
  expect(shown()).toBe('(1) 2 3 4');
  live = [5, 3];
  expect(shown()).toBe('(1) (2) 3 (4) 5');
  steady.release();
  expect(shown()).toBe('5 3');
});
