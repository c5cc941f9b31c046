import { expect, test } from 'vitest';
import { aWorker } from '../testing/samples';
import { filtered, load, readiest, sorted, turned, type Column } from './order';

const WORKERS = [
  aWorker({
    name: 'node10',
    status: 'idle',
    inflight: 0,
    first_byte_p50_ms: 50,
    connected_at: '2026-11-21T10:00:00Z',
  }),
  aWorker({
    name: 'Node2',
    status: 'gone',
    inflight: 4,
    first_byte_p50_ms: null,
    connected_at: '2026-11-21T11:00:00Z',
  }),
  aWorker({
    name: 'alpha',
    status: 'not_ready',
    inflight: 3,
    first_byte_p50_ms: 9,
    connected_at: '2026-11-21T12:00:00Z',
  }),
];

test.each<[Column, boolean, string]>([
  ['name', false, 'alpha Node2 node10'],
  ['name', true, 'node10 Node2 alpha'],
  ['status', false, 'alpha node10 Node2'],
  ['load', true, 'alpha node10 Node2'],
  ['latency', false, 'alpha node10 Node2'],
  ['latency', true, 'node10 alpha Node2'],
  ['arrival', true, 'alpha Node2 node10'],
])('by %s, down %s: %s', (by, down, names) => {
  expect(
    sorted(WORKERS, { by, down })
      .map((worker) => worker.name)
      .join(' '),
  ).toBe(names);
});

test('a second click reverses the order, another column starts with its default order', () => {
  expect(turned({ by: 'name', down: false }, 'name')).toEqual({ by: 'name', down: true });
  expect(turned({ by: 'name', down: true }, 'speed')).toEqual({ by: 'speed', down: true });
  expect(turned({ by: 'speed', down: true }, 'latency')).toEqual({ by: 'latency', down: false });
});

test('load includes queued requests, and an offline worker has none', () => {
  expect(load(aWorker({ inflight: 4, queue_len: 2, max_concurrency: 4 }))).toBe(1.5);
  expect(load(aWorker({ inflight: 1, max_concurrency: 0 }))).toBe(1);
  expect(load(aWorker({ inflight: 4, status: 'gone' }))).toBe(0);
});

test('every word of the filter must match', () => {
  const worker = aWorker({ name: 'Studio', models_supported: ['llama3.2:3b'] });
  expect(filtered([worker], 'studio LLAMA')).toEqual([worker]);
  expect(filtered([worker], ' ')).toEqual([worker]);
  expect(filtered([worker], 'studio qwen')).toEqual([]);
});

test('the readiest model is in memory on the most workers', () => {
  const model = (name: string, loaded: number, workers: number) => ({ name, loaded, workers, queue_len: 0 });
  expect(readiest([model('a', 0, 5), model('b', 2, 2), model('c', 2, 3)])).toBe('c');
  expect(readiest([])).toBeUndefined();
});
