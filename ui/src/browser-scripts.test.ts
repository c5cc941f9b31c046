// The scripts of `e2e/browser` run only with built programs. Here they are only linked, so that a missing import is found without them.

import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';
import { expect, test } from 'vitest';

const FOLDER = resolve('../e2e/browser');
const scripts = readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'));

test.each(scripts)('every import of %s exists', async (name) => {
  const linked = await build({
    configFile: false,
    logLevel: 'silent',
    ssr: { external: ['axe-core', 'playwright-core'] },
    build: { ssr: `${FOLDER}/${name}`, target: 'esnext', write: false },
  });
  expect(linked).toBeTruthy();
});
