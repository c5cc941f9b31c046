// Project rules that the compiler does not check.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|svelte|css)$/.test(name) && !/(^|\/)bindings\//.test(name))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, 'utf8') }));
const components = files.filter(({ name }) => name.endsWith('.svelte'));

/** Names of the files that match `wrong`. */
const matching = (wrong: RegExp, among = files) =>
  among.filter(({ text }) => wrong.test(text)).map(({ name }) => name);

test('names are untrusted: no markup is created from text', () => {
  expect(matching(/\{@html|innerHTML|outerHTML|insertAdjacentHTML/, components)).toEqual([]);
});

test('the content security policy forbids inline styles and scripts', () => {
  expect(matching(/\sstyle="|\son[a-z]+="/, components)).toEqual([]);
});

test('only api.ts talks to the server', () => {
  const talking = matching(/\bfetch\(|EventSource|WebSocket\(|XMLHttpRequest/);
  expect(talking.filter((name) => !name.includes('test'))).toEqual(['dashboard/api.ts']);
});

test('only the desktop’s api.ts talks to the app', () => {
  const talking = matching(/@tauri-apps\/api/);
  expect(talking.filter((name) => !/test/.test(name))).toEqual(['desktop/api.ts']);
});

test('only the tokens define colours', () => {
  const naming = matching(
    /#[0-9a-f]{6}\b|#[0-9a-f]{3}\b/i,
    files.filter(({ name }) => /\.(css|svelte)$/.test(name)),
  );
  expect(naming.sort()).toEqual(['desktop/tokens.css', 'shared/tokens.css']);
});

test('components are small, and each starts with a description', () => {
  const lines = components.map(({ text }) => text.split('\n').length).sort((a, b) => a - b);
  expect(lines[Math.floor(lines.length * 0.9)]).toBeLessThan(180);
  expect(lines.at(-1)).toBeLessThan(220);
  expect(components.filter(({ text }) => !text.startsWith('<!-- ')).map(({ name }) => name)).toEqual([]);
});
