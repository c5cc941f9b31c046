import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { aStream, anError, serve, settle, type Asked, type Wire } from '../testing/http';
import { Api } from './api';
import { Playground } from './playground.svelte';

let wire: Wire;
let now: number;

beforeEach(() => {
  vi.useFakeTimers();
  now = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(answer?: () => Response): { playground: Playground; asked: Asked[] } {
  const asked = serve((_, signal) => {
    if (answer) return answer();
    const stream = aStream(signal);
    wire = stream.wire;
    return stream.response;
  });
  const playground = new Playground(new Api(() => 'k'), { brokeOff: 'broke off' }, () => now);
  playground.model = 'llama';
  return { playground, asked };
}

const token = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const last = (playground: Playground) => playground.turns.at(-1)!;

test('streams a response and shows its figures', async () => {
  const { playground, asked } = open();
  void playground.send('Why?');
  await settle();
  expect(playground.streaming).toBe(true);
  now = 200;
  wire.say(token('They '));
  await settle();
  now = 1_200;
  wire.say(token('hum'));
  await settle();
  expect(last(playground).text).toBe('They hum');
  expect(last(playground).figures).toEqual({ firstByteMs: 200, tokens: 2, exact: false, perSecond: 2 });
  wire.say('data: {"choices":[],"usage":{"completion_tokens":9}}\n\ndata: [DONE]\n\n');
  await settle();
  expect(last(playground).figures).toMatchObject({ tokens: 9, exact: true, perSecond: 9 });
  expect(last(playground).error).toBeNull();
  expect(playground.streaming).toBe(false);
  expect(asked[0]).toMatchObject({ path: '/v1/chat/completions', method: 'POST', authorization: 'Bearer k' });
});

test('sends the conversation and the options', async () => {
  const { playground, asked } = open();
  playground.system = 'Be brief';
  playground.temperature = 0;
  void playground.send('One');
  await settle();
  wire.say(`${token('1')}data: [DONE]\n\n`);
  await settle();
  void playground.send('Two');
  await settle();
  const body = JSON.parse(asked[1]!.body!);
  expect(body).toMatchObject({ model: 'llama', stream: true, temperature: 0 });
  expect(body.max_tokens).toBeUndefined();
  expect(body.messages).toEqual([
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: 'One' },
    { role: 'assistant', content: '1' },
    { role: 'user', content: 'Two' },
  ]);
});

test.each([
  ['named', 'event: error\ndata: {"error":{"message":"The worker was lost"}}\n\n'],
  ['unnamed', 'data: {"error":{"message":"The worker was lost"}}\n\n'],
])('shows an error event (%s) after the partial response', async (_, event) => {
  const { playground } = open();
  void playground.send('Why?');
  await settle();
  wire.say(token('They'));
  wire.say(event);
  await settle();
  expect(last(playground)).toMatchObject({ text: 'They', error: 'The worker was lost', stopped: false });
  expect(playground.streaming).toBe(false);
});

test.each(['end', 'cut'] as const)('a stream without an end mark (%s) is incomplete', async (how) => {
  const { playground } = open();
  void playground.send('Why?');
  await settle();
  wire.say(token('They'));
  await settle();
  wire[how]();
  await settle();
  expect(last(playground)).toMatchObject({ text: 'They', error: 'broke off' });
});

test('shows the server’s error message with the request ID', async () => {
  const { playground } = open(() => anError(503, 'No worker is ready'));
  await playground.send('Why?');
  expect(last(playground).error).toBe('No worker is ready (req-1)');
});

test('stopping keeps the partial response and is not an error', async () => {
  const { playground } = open();
  void playground.send('Why?');
  await settle();
  wire.say(token('They'));
  await settle();
  playground.stop();
  await settle();
  expect(last(playground)).toMatchObject({ text: 'They', error: null, stopped: true });
  expect(playground.streaming).toBe(false);
});

test('clearing during a response leaves nothing behind', async () => {
  const { playground } = open();
  void playground.send('Why?');
  await settle();
  playground.clear();
  await settle();
  expect(playground.turns).toEqual([]);
  expect(playground.streaming).toBe(false);
});

test('reasoning is separate from the response', async () => {
  const { playground } = open();
  void playground.send('Why?');
  await settle();
  wire.say('data: {"choices":[{"delta":{"reasoning_content":"Hm"}}]}\n\n');
  wire.say(token('Because'));
  await settle();
  expect(last(playground)).toMatchObject({ thoughts: 'Hm', text: 'Because' });
});
