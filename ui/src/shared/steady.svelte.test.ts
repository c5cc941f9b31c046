import { expect, test } from 'vitest';
import { Steady } from './steady.svelte';

test('held rows keep their places, and removed rows stay marked', () => {
  let live = $state.raw([1, 2, 3]);
  const steady = new Steady(
    () => live,
    (row) => row,
  );
  const said = () => steady.rows.map(({ row, here }) => (here ? `${row}` : `(${row})`)).join(' ');
  expect(said()).toBe('1 2 3');
  steady.hold();
  live = [3, 2, 4];
  expect(said()).toBe('(1) 2 3 4');
  live = [5, 3];
  expect(said()).toBe('(1) (2) 3 (4) 5');
  steady.release();
  expect(said()).toBe('5 3');
});
