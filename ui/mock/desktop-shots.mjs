// Takes screenshots of the desktop app's windows in headless Chromium, into mock/shots/desktop/, and runs axe-core on each.
// `node mock/desktop-shots.mjs [filter]`. Fails if a page logs an error, scrolls sideways or violates an axe-core rule.

import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { launch } from '../../e2e/browser/browser.mjs';
import { serveDesktop } from './desktop.mjs';

const only = process.argv[2] ?? '';
const OUT = fileURLToPath(new URL('shots/desktop/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AGENTS = {
  linux:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  macos: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)',
  windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Edg/130.0',
};
const USUAL = { width: 900, height: 640 };
const SMALLEST = { width: 420, height: 480 };
/** The smallest window with text at 200 %. */
const LARGE = { width: 210, height: 240 };
/** Time for the page to settle, in milliseconds. */
const SETTLE_MS = 350;

const click = (name) => (page) => page.getByRole('button', { name, exact: true }).click();
const tab = (name) => (page) => page.getByRole('tab', { name }).click();
const fillLink = (page) =>
  page.getByLabel('Join link', { exact: true }).last().fill('llamapool://join?server=x');
const chain =
  (...steps) =>
  async (page) => {
    for (const step of steps) await step(page);
  };
const wait = (ms) => (page) => page.waitForTimeout(ms);
const toServer = click('Get started');
const toModels = chain(toServer, fillLink, wait(200), click('Continue'));
const toMachine = chain(toModels, wait(100), click('Continue'));
const toTest = chain(toMachine, click('Continue'));
const edit = chain(tab('Runtime'), (page) =>
  page.getByRole('textbox', { name: 'Requests at a time' }).fill('8'),
);
const wrong = chain(
  tab('Runtime'),
  (page) => page.getByRole('textbox', { name: 'Requests at a time' }).fill('0'),
  wait(500),
);

/** Name, view, scenario, and actions before the screenshot. */
const SCENES = [
  ...['unconfigured', 'stopped', 'connecting', 'waiting', 'refused', 'not_ready', 'ready', 'busy'].map(
    (phase) => [phase, 'status', phase],
  ),
  ...[
    'draining',
    'paused',
    'held',
    'terminating',
    'failed',
    'attached',
    'quiet',
    'nomodels',
    'restarted',
  ].map((phase) => [phase, 'status', phase]),
  ['bottom', 'status', 'busy', (page) => page.locator('main').evaluate((main) => main.scrollTo(0, 9999))],
  ['pausing', 'status', 'busy', click('Pause sharing')],
  ['more', 'status', 'busy', click('More')],
  ['more-attached', 'status', 'attached', click('More')],
  ['app', 'preferences', 'ready'],
  [
    'managed',
    'preferences',
    'managed',
    (page) => page.locator('main').evaluate((main) => main.scrollTo(0, 9999)),
  ],
  ['nokeychain', 'preferences', 'nokeychain', (page) => page.locator('summary').click()],
  ['serve', 'preferences', 'ready', tab('When to share')],
  [
    'wrongrule',
    'preferences',
    'wrongrule',
    chain(tab('When to share'), async (page) => {
      await page.getByLabel('Pause below').fill('60');
      await page.keyboard.press('Tab');
    }),
  ],
  ['server', 'preferences', 'ready', tab('Server')],
  ['changed', 'preferences', 'ready', edit],
  ['wrong', 'preferences', 'ready', wrong],
  [
    'secret',
    'preferences',
    'ready',
    chain(tab('Server'), (page) => page.getByRole('button', { name: 'Replace Client key' }).click()),
  ],
  ['locked', 'preferences', 'ready', tab('Logs')],
  ['badfile', 'preferences', 'badfile', tab('Runtime')],
  ['mistyped', 'preferences', 'mistyped', tab('Runtime')],
  ['tail', 'logs', 'ready'],
  ['search', 'logs', 'ready', (page) => page.getByLabel('Find in logs').fill('mid-response')],
  [
    'scrolled',
    'logs',
    'ready',
    chain(click('Pause'), (page) => page.getByRole('log').evaluate((log) => log.scrollTo(0, 400))),
  ],
  ['nologs', 'logs', 'nologs'],
  ['idle', 'diagnostics', 'ready'],
  ['checking', 'diagnostics', 'checking', click('Run diagnostics')],
  ['checked', 'diagnostics', 'ready', chain(click('Run diagnostics'), wait(700))],
  ['report', 'diagnostics', 'ready', chain(click('Review report…'), wait(200))],
  ['reported', 'diagnostics', 'ready', chain(click('Review report…'), wait(200), click('Save report'))],
  ['idle', 'about', 'ready'],
  ['staged', 'about', 'staged'],
  ['licences', 'about', 'ready', (page) => page.locator('summary').click()],
  ['managed', 'about', 'managed'],
  ['updatefailed', 'about', 'updatefailed'],
  ['1', 'welcome', 'ready'],
  ['2', 'welcome', 'ready', chain(toServer, fillLink)],
  [
    '2-hand',
    'welcome',
    'refusedkey',
    chain(
      toServer,
      (page) => page.getByText('Address and key').click(),
      (page) => page.getByLabel('Server address').fill('wss://pool.example.com'),
      wait(900),
    ),
  ],
  ['3', 'welcome', 'ready', toModels],
  ['3-none', 'welcome', 'noruntimes', toModels],
  ['4', 'welcome', 'ready', toMachine],
  ['5', 'welcome', 'ready', chain(toTest, click('Send a test request'))],
  ['5-skipped', 'welcome', 'unconfigured', chain(toServer, click('Skip'), click('Skip'), click('Skip'))],
];
/** Scenes that are also taken on the other systems and in the smallest window. */
const EVERYWHERE =
  /^(status-(busy|refused|more|more-attached)|preferences-(app|serve|changed|wrong|wrongrule)|welcome-2|logs-tail|about-staged)$/;

await mkdir(OUT, { recursive: true });
const served = await serveDesktop();
const browser = await launch();
let bad = 0;
const complain = (text) => {
  bad += 1;
  console.error(text);
};

async function shoot(scene, platform, size, scheme) {
  const [name, view, scenario, act] = scene;
  const file = `${view}-${name}-${platform}-${size.width}-${scheme}`;
  if (only && !file.match(only)) return;
  const context = await browser.newContext({
    viewport: size,
    deviceScaleFactor: size === LARGE ? 2 : 1,
    colorScheme: scheme,
    userAgent: AGENTS[platform],
    reducedMotion: 'reduce',
    bypassCSP: false,
  });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && complain(`${file}: ${message.text()}`));
  page.on('pageerror', (error) => complain(`${file}: ${error.stack}`));
  try {
    await page.goto(`${served.url}/?view=${view}&scenario=${scenario}`);
    await act?.(page);
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: `${OUT}${file}.png` });
    const sideways = await page.evaluate(() =>
      [document.documentElement, document.querySelector('main')].some(
        (one) => one && one.scrollWidth > one.clientWidth,
      ),
    );
    if (sideways) complain(`${file} scrolls sideways`);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const { id, help, nodes } of violations) {
      complain(
        `${file}: axe ${id}: ${help}: ${nodes
          .slice(0, 3)
          .map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? ''}`)
          .join(' | ')}`,
      );
    }
  } catch (error) {
    complain(`${file}: ${error.message.split('\n').slice(0, 4).join(' ')}`);
  }
  await context.close();
}

for (const scene of SCENES) {
  await shoot(scene, 'linux', LARGE, 'light');
  const everywhere = EVERYWHERE.test(`${scene[1]}-${scene[0]}`);
  for (const scheme of ['light', 'dark']) {
    await shoot(scene, 'linux', USUAL, scheme);
    if (!everywhere) continue;
    await shoot(scene, 'macos', USUAL, scheme);
    await shoot(scene, 'windows', USUAL, scheme);
    await shoot(scene, 'linux', SMALLEST, scheme);
  }
}
await browser.close();
served.close();
process.exit(bad ? 1 : 0);
