import { expect, test } from 'vitest';
import { aBin, anEnded, aSnapshot, aWorker, NOW } from '../testing/samples';
import { merge, RECENT_KEPT } from './merge';

const at = Date.parse(NOW) / 1000;
const numbers = (state: { recent: { number: number }[] }) => state.recent.map((request) => request.number);

test('new requests come first, known ones are not duplicated', () => {
  const former = aSnapshot({ recent: [anEnded(2), anEnded(1)] });
  const after = merge(
    former,
    aSnapshot({ version: 2, recent: [anEnded(4), anEnded(3), anEnded(2, { status: 201 })] }),
  );
  expect(numbers(after)).toEqual([4, 3, 2, 1]);
  expect(after.recent[2]?.status).toBe(201);
});

test('keeps no more requests than a snapshot has', () => {
  const former = aSnapshot({ recent: Array.from({ length: RECENT_KEPT }, (_, i) => anEnded(500 - i)) });
  const after = merge(former, aSnapshot({ version: 2, recent: [anEnded(501)] }));
  expect(after.recent).toHaveLength(RECENT_KEPT);
  expect(numbers(after)[0]).toBe(501);
});

test('bins are replaced by time, sorted, and dropped after an hour', () => {
  const former = aSnapshot({ history: [aBin(at - 3610), aBin(at - 20), aBin(at - 10, { requests: 1 })] });
  const after = merge(former, aSnapshot({ version: 2, history: [aBin(at), aBin(at - 10, { requests: 5 })] }));
  expect(after.history.map((bin) => bin.at - at)).toEqual([-20, -10, 0]);
  expect(after.history[1]?.requests).toBe(5);
});

test('bins in the future are dropped: the clock of the server was set back', () => {
  const former = aSnapshot({ history: [aBin(at - 10), aBin(at + 3600)] });
  const after = merge(former, aSnapshot({ version: 2, history: [aBin(at)] }));
  expect(after.history.map((bin) => bin.at - at)).toEqual([-10, 0]);
});

test('everything else comes from the update', () => {
  const after = merge(
    aSnapshot(),
    aSnapshot({ version: 2, models: [{ name: 'm', workers: 1, loaded: 0, queue_len: 0 }] }),
  );
  expect(after.version).toBe(2);
  expect(after.models).toHaveLength(1);
});

test('an update that is not newer is ignored', () => {
  const former = aSnapshot({ version: 5 });
  expect(merge(former, aSnapshot({ version: 5, recent: [anEnded(1)] }))).toBe(former);
});

test('changes replace workers by id, in the order of the update, and models only if they are there', () => {
  const models = [{ name: 'm', workers: 1, loaded: 0, queue_len: 0 }];
  const former = aSnapshot({
    models,
    workers: [aWorker({ id: 'a' }), aWorker({ id: 'b' }), aWorker({ id: 'c' })],
  });
  const changed = aWorker({ id: 'b', inflight: 3 });
  const { models: _, ...rest } = aSnapshot({ version: 2, workers: [changed, aWorker({ id: 'd' })] });
  const after = merge(former, { ...rest, worker_ids: ['d', 'b', 'a'] });
  expect(after.workers.map(({ id, inflight }) => [id, inflight])).toEqual([
    ['d', 0],
    ['b', 3],
    ['a', 0],
  ]);
  expect(after.workers[2]).toBe(former.workers[0]);
  expect(after.models).toBe(models);
});
