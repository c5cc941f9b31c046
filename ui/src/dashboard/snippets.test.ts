import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  curl,
  joinLink,
  joinLinkFrom,
  literal,
  node,
  python,
  shellQuote,
  worker,
  workerAddress,
} from './snippets';

const HOSTILE = `evil'; touch /tmp/x; echo '"$(id)\`id\`\\ \n\u2028 é`;
const target = { origin: 'https://pool.example', model: HOSTILE, needsKey: true };

test('a shell keeps a quoted word unchanged', () => {
  const printed = execFileSync('sh', ['-c', `printf %s ${shellQuote(HOSTILE)}`]).toString();
  expect(printed).toBe(HOSTILE);
});

test('the body of the curl command is correct for any model name', () => {
  const line = curl(target).replace('curl -N', 'printf "%s\\0"');
  const words = execFileSync('sh', ['-c', line]).toString().split('\0').slice(0, -1);
  expect(words[0]).toBe('https://pool.example/v1/chat/completions');
  expect(words).toContain('Authorization: Bearer YOUR_API_KEY');
  expect(JSON.parse(words.at(-1)!).model).toBe(HOSTILE);
});

test('literals are ASCII and evaluate to the text', () => {
  expect(literal(HOSTILE)).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(literal(HOSTILE))).toBe(HOSTILE);
  expect(python(target)).toContain(literal(HOSTILE));
  expect(node(target)).toContain(literal(HOSTILE));
});

test('no key appears if the server has none', () => {
  expect(curl({ ...target, needsKey: false })).not.toContain('Authorization');
  expect(python({ ...target, needsKey: false })).toContain('api_key="none"');
  expect(worker('http://pool:8080', false, 'posix')).toBe('llamapool-worker --server-url ws://pool:8080');
});

test('workers connect to the same host, encrypted if the page is', () => {
  expect(workerAddress('https://pool.example')).toBe('wss://pool.example');
  expect(worker('https://p', true, 'posix')).toBe(
    'CLIENT_KEY=YOUR_CLIENT_KEY llamapool-worker --server-url wss://p',
  );
  expect(worker('https://p', true, 'powershell')).toMatch(
    /^\$env:CLIENT_KEY = "YOUR_CLIENT_KEY"; llamapool-worker/,
  );
});

test('a join link names the address of the page, and keeps the server’s key', () => {
  expect(joinLink('https://pool.example')).toBe('llamapool://join?server=wss://pool.example');
  const fromServer = 'llamapool://join?server=ws://192.0.2.7:8080&key=a%2B$%26b';
  expect(joinLinkFrom(fromServer, 'https://pool.example')).toBe(
    'llamapool://join?server=wss://pool.example&key=a%2B$%26b',
  );
});
