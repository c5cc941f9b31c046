import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the icons are what the drawings give', () => {
  expect(execFileSync(process.execPath, ['../icons/make', '--check'], { encoding: 'utf8' })).toBe('');
}, 60_000);
