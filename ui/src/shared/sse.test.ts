import { expect, test } from 'vitest';
import { SseParser, type SseEvent } from './sse';

const bytes = (text: string) => new TextEncoder().encode(text);

const STREAM =
  '\ufeffevent: snapshot\r\nid: 7\r\ndata: {"name":\r\ndata:  "Lama 🦙 é"}\r\n\r\n: still here\n\n' +
  'data\n\nevent: update\rdata:x:y\rignored: z\rid\r\rretry: 5\ndata: [DONE]\n\ndata: cut off';

const EVENTS: SseEvent[] = [
  { event: 'snapshot', id: '7', data: '{"name":\n "Lama 🦙 é"}' },
  { event: 'message', id: '7', data: '' },
  { event: 'update', id: '', data: 'x:y' },
  { event: 'message', id: '', data: '[DONE]' },
];

test('parses a stream in one chunk', () => {
  expect(new SseParser().push(bytes(STREAM))).toEqual(EVENTS);
});

test('parses the same wherever the bytes are split', () => {
  const whole = bytes(STREAM);
  for (let at = 0; at <= whole.length; at++) {
    const parser = new SseParser();
    expect([...parser.push(whole.slice(0, at)), ...parser.push(whole.slice(at))]).toEqual(EVENTS);
  }
});

test('parses the same byte by byte', () => {
  const parser = new SseParser();
  expect([...bytes(STREAM)].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(EVENTS);
});

test('an event without an empty line after it is incomplete', () => {
  expect(new SseParser().push(bytes('data: half\n'))).toEqual([]);
});

test('an event name applies to one event', () => {
  const events = new SseParser().push(bytes('event: a\n\ndata: 1\n\n'));
  expect(events).toEqual([{ event: 'message', data: '1', id: '' }]);
});
