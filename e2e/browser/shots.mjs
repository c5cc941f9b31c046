// Takes the screenshots of docs/images from the real server: `node e2e/browser/shots.mjs [minutes] [folder]`, after `make test` or
// `cargo build --bins`. The charts need some minutes of history (12 fill them). If pngquant is installed, it compresses the screenshots.

import { execFileSync } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { pool } from './shots/pool.mjs';
import { API_KEY } from './shots/programs.mjs';
import { traffic } from './shots/traffic.mjs';

const MINUTES = Number(process.argv[2] ?? 12);
const OUT = process.argv[3] ?? fileURLToPath(new URL('../../docs/images/', import.meta.url));
const DESK = { width: 1440, height: 960 };
const PHONE = { width: 390, height: 844 };
/** Time for a page to settle, in milliseconds: updates arrive four times a second, and bars are animated. */
const SETTLE_MS = 1_500;

const SHOTS = [
  {
    name: 'overview',
    page: 'overview',
    scheme: 'light',
    size: { ...DESK, height: 1080 },
  },
  {
    name: 'overview-dark',
    page: 'overview',
    scheme: 'dark',
    size: { ...DESK, height: 1080 },
  },
  { name: 'overview-phone', page: 'overview', scheme: 'light', size: PHONE },
  {
    name: 'workers',
    page: 'workers',
    scheme: 'light',
    size: { ...DESK, height: 560 },
  },
  { name: 'workers-phone', page: 'workers', scheme: 'dark', size: PHONE },
  {
    name: 'worker',
    page: 'workers',
    scheme: 'light',
    size: { ...DESK, height: 760 },
    act: (page) => page.getByRole('button', { name: 'Details of studio' }).click(),
  },
  {
    name: 'models',
    page: 'models',
    scheme: 'light',
    size: { ...DESK, height: 480 },
  },
  {
    name: 'requests-dark',
    page: 'requests',
    scheme: 'dark',
    size: { ...DESK, height: 760 },
  },
  {
    name: 'playground',
    page: 'playground',
    scheme: 'light',
    size: { ...DESK, height: 760 },
    act: talk,
  },
  {
    name: 'connect',
    page: 'connect',
    scheme: 'light',
    size: { ...DESK, height: 640 },
  },
];

const { origin, close } = await pool();
const { stop } = traffic(origin);
process.on('exit', close);
console.log(`${origin} is busy for ${MINUTES} minutes (key: ${API_KEY})`);
await new Promise((over) => setTimeout(over, MINUTES * 60_000));
await mkdir(OUT, { recursive: true });
const browser = await launch();
for (const shot of SHOTS) await take(shot);
await browser.close();
stop();
process.exit();

async function take({ name, page: where, scheme, size, act }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    timezoneId: 'UTC',
    deviceScaleFactor: size === PHONE ? 2 : 1,
  });
  const page = await context.newPage();
  await page.goto(`${origin}/state#/${where}`);
  await page.getByLabel('API key').fill(API_KEY);
  await page.keyboard.press('Enter');
  await page.getByText('Live', { exact: true }).waitFor();
  await act?.(page);
  await page.waitForTimeout(SETTLE_MS);
  const path = `${OUT}/${name}.png`;
  await page.screenshot({ path });
  await context.close();
  try {
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--ext', '.png', '--speed', '1', '64', path]);
  } catch (error) {
    if (error.code === 'ENOENT') console.log('pngquant is not installed: the screenshot is not compressed');
  }
  console.log(`${path}: ${Math.round((await stat(path)).size / 1000)} kB`);
}

async function talk(page) {
  await page.getByLabel('Model', { exact: true }).selectOption('llama3.2:3b');
  await page.getByLabel('Message').fill('Why do llamas hum?');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Regenerate' }).waitFor();
}
