// Takes pictures of the dashboard in headless Chromium: `node mock/shots.mjs [mode] [filter]`, into mock/shots/.
// Fails if the page logs an error or scrolls sideways.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';

const [mode = 'lively', only = ''] = process.argv.slice(2);
const PORT = 8100 + Math.floor(Math.random() * 800);
const HOME = fileURLToPath(new URL('.', import.meta.url));
const OUT = `${HOME}shots`;
const PAGES = ['overview', 'workers', 'models', 'requests', 'playground', 'connect'];
const SIZES = [
  [360, 740],
  [768, 1024],
  [1440, 900],
  [2560, 1440],
];
/** Milliseconds in which the page settles. */
const SETTLE_MS = Number(process.env.SETTLE_MS ?? 900);

await mkdir(OUT, { recursive: true });
const server = spawn(process.execPath, [`${HOME}server.mjs`, mode, String(PORT)], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise((resolve) => server.stdout.once('data', resolve));
const browser = await launch();
let bad = 0;
const complain = (text) => {
  bad += 1;
  console.error(text);
};
for (const scheme of ['light', 'dark']) {
  for (const [width, height] of SIZES) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    const page = await context.newPage();
    page.on(
      'console',
      (message) => message.type() === 'error' && complain(`${mode} ${width}: ${message.text()}`),
    );
    page.on('pageerror', (error) => complain(`${mode} ${width}: ${error.stack}`));
    page.on('dialog', (dialog) => complain(`A dialog opened: ${dialog.message()}`));
    for (const name of PAGES) {
      const file = `${mode}-${name}-${width}-${scheme}`;
      if (only && !file.match(only)) continue;
      await page.goto(`http://127.0.0.1:${PORT}/#/${name}`);
      await page.waitForTimeout(SETTLE_MS);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (sideways > 0) complain(`${file} scrolls ${sideways} px sideways`);
      await page.screenshot({ path: `${OUT}/${file}.png`, fullPage: process.env.FULL === '1' });
    }
    await context.close();
  }
}
await browser.close();
server.kill();
process.exit(bad ? 1 : 0);
