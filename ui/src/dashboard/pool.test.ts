import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { aStream, anError, serve, settle, type Wire } from '../testing/http';
import { anEnded, aSnapshot } from '../testing/samples';
import { Backoff } from '../shared/backoff';
import { Api } from './api';
import { Key } from './key.svelte';
import { Pool, SILENCE_MS } from './pool.svelte';

let wires: Wire[];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  wires = [];
});

afterEach(() => {
  stop?.();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const event = (name: string, state: unknown) => `event: ${name}\ndata: ${JSON.stringify(state)}\n\n`;

function open(answer?: (call: number, authorization: string | null) => Response | null) {
  const asked = serve((call, signal) => {
    const instead = answer?.(asked.length, call.authorization);
    if (instead) return instead;
    const { response, wire } = aStream(signal);
    wires.push(wire);
    return response;
  });
  const key = new Key();
  const pool = new Pool(new Api(() => key.value), key, new Backoff(() => 1));
  stop = pool.start();
  return { pool, key, asked };
}

test('is live from the first snapshot, and follows updates', async () => {
  const { pool } = open();
  await settle();
  expect(pool.stale).toBe(true);
  wires[0]!.say(event('snapshot', aSnapshot({ recent: [anEnded(1)] })));
  await settle();
  expect(pool.link).toBe('live');
  wires[0]!.say(event('update', aSnapshot({ version: 2, recent: [anEnded(2)] })));
  await settle();
  expect(pool.snapshot?.recent.map((request) => request.number)).toEqual([2, 1]);
});

test('a snapshot replaces everything, even from a restarted server with a lower version', async () => {
  const { pool } = open();
  await settle();
  wires[0]!.say(event('snapshot', aSnapshot({ version: 90, recent: [anEnded(1)] })));
  wires[0]!.say(event('snapshot', aSnapshot({ version: 1 })));
  await settle();
  expect(pool.snapshot?.version).toBe(1);
  expect(pool.snapshot?.recent).toEqual([]);
});

test.each(['end', 'cut'] as const)('is stale after the stream breaks (%s), then reconnects', async (how) => {
  const { pool, asked } = open();
  await settle();
  wires[0]!.say(event('snapshot', aSnapshot()));
  await settle();
  wires[0]![how]();
  await settle();
  expect(pool.link).toBe('waiting');
  expect(pool.stale).toBe(true);
  expect(pool.snapshot).not.toBeNull();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(2);
  wires[1]!.say(event('snapshot', aSnapshot({ version: 7 })));
  await settle();
  expect(pool.stale).toBe(false);
});

test('delays grow up to the limit, and a retry skips them', async () => {
  const { pool, asked } = open(() => anError(503, 'away'));
  await settle();
  for (const wait of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(asked).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(before + 1);
  }
  expect(pool.problem).toBe('away');
  pool.retry();
  await settle();
  expect(asked).toHaveLength(8);
});

test('silence means a lost connection, comments keep it alive', async () => {
  const { pool, asked } = open();
  await settle();
  wires[0]!.say(event('snapshot', aSnapshot()));
  await settle();
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
  wires[0]!.say(': here\n\n');
  await settle();
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
  expect(pool.stale).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(pool.stale).toBe(true);
  expect(asked).toHaveLength(1);
});

test('a 401 asks for the key and does not retry without one', async () => {
  const { pool, key, asked } = open((_, authorization) => (authorization ? null : anError(401, 'Key?')));
  await settle();
  expect(pool.link).toBe('denied');
  expect(key.asked).toBe(true);
  expect(key.refused).toBe(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  key.give('secret', false);
  pool.retry();
  await settle();
  expect(asked[1]?.authorization).toBe('Bearer secret');
});

test('a 403 says what the key lacks and asks for another one', async () => {
  const { pool, key, asked } = open((_, authorization) =>
    authorization ? anError(403, 'This key has the role user.') : anError(401, 'Key?'),
  );
  await settle();
  key.give('user', false);
  pool.retry();
  await settle();
  expect(pool.link).toBe('denied');
  expect([key.asked, key.refused, key.reason]).toEqual([true, true, 'This key has the role user.']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
});

test('nothing continues after the end', async () => {
  const { asked } = open();
  await settle();
  stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked).toHaveLength(1);
});
