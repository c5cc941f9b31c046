import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the icons match their sources', () => {
  expect(execFileSync(process.execPath, ['../icons/make', '--check'], { encoding: 'utf8' })).toBe('');
}, 60_000);
