// Takes the screenshots docs/images/desktop-* of the real desktop app: `node e2e/browser/desktop-shots.mjs [filter] [folder]`, after `make test`
// or `cargo build --bins`, on Linux with the packages of `scripts/packages test` and imagemagick. The menu also requires xfce4-panel, openbox and
// xdotool. With a folder, it also takes states that the documentation does not show. If pngquant is installed, it compresses the screenshots.

import { execFileSync } from 'node:child_process';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasPanel, menu, panel } from './shots/panel.mjs';
import {
  API_KEY,
  CLIENT_KEY,
  MAY_PRETEND,
  onMachine,
  pause,
  PROGRAMS,
  serve,
  start,
  until,
} from './shots/programs.mjs';
import { CODER, EMBED, OSS, runtime, SMALL } from './shots/runtimes.mjs';
import { drive, picture, screen } from './shots/screen.mjs';

const only = new RegExp(process.argv[2] || '.');
const OUT = process.argv[3] ?? fileURLToPath(new URL('../../docs/images', import.meta.url));
/** Time for a page to settle, in milliseconds. */
const SETTLE_MS = 900;
const OLLAMA = {
  kind: 'ollama',
  version: '0.13.2',
  speed: 62,
  patience: 260,
  models: [SMALL(true), CODER(true), OSS(), EMBED()],
};

/** Waits for the first match with this title or text, and clicks it. */
const pick = (css, words) => (app) =>
  until(words, () =>
    app.run(
      `const found = [...document.querySelectorAll(arguments[0])].find((one) => one.title === arguments[1] || one.textContent.includes(arguments[1]));
      found?.click();
      return Boolean(found);`,
      css,
      words,
    ),
  );
const view = (name) => pick('nav button', name);
const tab = (name) => pick('[role=tab]', name);
const says = (words) => (app) => until(words, async () => (await app.text()).includes(words));
const control = (action) => (app) =>
  app.run('window.__TAURI_INTERNALS__.invoke("control", { action: arguments[0] })', action);
const chain =
  (...steps) =>
  async (app, stage) => {
    for (const step of steps) await step(app, stage);
  };
const ready = says('Ready');
const toModels = chain(
  (app, { link }) => app.press('Get started').then(() => app.write('input:not([type=radio])', link)),
  says('Connected'),
  (app) => app.press('Continue'),
  (app) => until('the runtimes', async () => !(await app.text()).includes('Looking for')),
);
const toMachine = chain(toModels, elsewhere, (app) => app.press('Continue'));
const toTest = chain(
  toMachine,
  says('Startup and notifications'),
  (app) => app.press('Continue'),
  says('Try it'),
);

/** Uses the detected runtime, or enters its address. */
async function elsewhere(app, { url }) {
  if ((await app.text()).includes('Ollama 0')) return;
  await app.click('details summary');
  await app.write('details input', `${url}/v1`);
}

/** Name, whether there are settings, and actions before the screenshot. `ALSO` is for development, not for the documentation. */
const SHOTS = [
  ['status', true, chain(ready, busy)],
  ['preferences', true, chain(ready, view('Preferences'), tab('Runtime'))],
  ['serve', true, chain(ready, view('Preferences'), tab('When to share'))],
  ['logs', true, chain(ready, busy, view('Logs'))],
  [
    'diagnostics',
    true,
    chain(ready, view('Diagnostics'), (app) => app.press('Run diagnostics'), says('Run again')),
  ],
  [
    'server',
    false,
    chain(
      (app, { link }) => app.press('Get started').then(() => app.write('input:not([type=radio])', link)),
      says('Connected'),
    ),
  ],
  ['models', false, toModels],
  ['test', false, chain(toTest, says('Ready'), (app) => app.press('Send a test request'), says('It works'))],
];
const ALSO = [
  ['welcome', false, says('Share this computer')],
  ['idle', true, ready],
  ['draining', true, chain(ready, busy, control('drain'), says('No new requests are accepted'))],
  [
    'paused',
    true,
    chain(
      ready,
      (app) => app.run('window.__TAURI_INTERNALS__.invoke("pause", { until: "1h" })'),
      says('Paused'),
    ),
  ],
  ['stopped', true, chain(ready, control('stop'), says('Stopped'))],
  ['refused', 'client_key: wrong', says('rejected')],
  ['waiting', 'server_url: ws://127.0.0.1:9', says('Server unreachable')],
  ['noruntime', 'completion_base_url: http://127.0.0.1:9/v1', says('responding')],
  ['mistake', 'max_concurrency: many', says('couldn’t start')],
  ['app', true, chain(ready, view('Preferences'))],
  ['secret', true, chain(ready, view('Preferences'), tab('Server'))],
  [
    'wrong',
    true,
    chain(ready, view('Preferences'), tab('Runtime'), (app) =>
      app.write('input[id*=max_concurrency], input', 'x'),
    ),
  ],
  [
    'report',
    true,
    chain(
      ready,
      view('Diagnostics'),
      (app) => app.press('Review report'),
      () => pause(1500),
    ),
  ],
  ['about', true, chain(ready, view('About'), says('MIT'))],
  ['byhand', false, (app) => app.press('Get started')],
  ['machine', false, toMachine],
  [
    'keyed',
    false,
    chain(toTest, says('Ready'), (app) => app.press('Send a test request'), says('API key')),
    { API_KEY },
  ],
];

await mkdir(OUT, { recursive: true });
if (hasPanel()) await takeMenu();
for (const scheme of ['light', 'dark']) {
  for (const shot of SHOTS) await take(shot, scheme, `desktop-${shot[0]}`);
  for (const shot of process.argv[3] ? ALSO : []) await take(shot, scheme, shot[0]);
}
process.exit();

/** The menu in Xfce's panel. The app has no window then, so there is no driver either. */
async function takeMenu() {
  if (!only.test('menu')) return;
  const path = join(OUT, 'desktop-menu.png');
  const display = await screen('light', 1);
  const llm = await runtime(OLLAMA);
  const server = await serve({ API_KEY });
  await configure(display.home, true, { url: server.origin.replace('http', 'ws'), llm });
  const close = await panel(display);
  const app = start(await named(display.home, 'studio'), ['--hidden'], display.environment);
  await app.said(/(is ready with)/);
  await writeFile(path, await menu(display.environment, { rows: 5, width: 620, height: 420 }));
  shrink(path);
  console.log(`${path}: ${Math.round((await stat(path)).size / 1000)} kB`);
  [app, server].forEach((program) => program.end());
  close();
  llm.close();
  await display.close();
}

/** Some traffic, and two requests that are still running. */
async function busy(app, { origin, env }) {
  const ask = (tokens) =>
    fetch(`${origin}/api/v1/chat/completions`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${env.API_KEY}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({
        model: 'llama3.2:3b',
        stream: true,
        tokens,
        messages: [{ role: 'user', content: 'x' }],
      }),
    }).then((answer) => answer.text());
  await Promise.all([40, 70, 110].map(ask));
  void ask(4_000).catch(() => null);
  void ask(3_000).catch(() => null);
  await says('2 of up to 4 requests running')(app);
  await pause(2_500);
}

async function take([name, settings, act, env = {}], scheme, file) {
  if (!only.test(`${name}-${scheme}`)) return;
  const path = join(OUT, `${file}${scheme === 'dark' ? '-dark' : ''}.png`);
  const display = await screen(scheme);
  // On the default port, where the app detects it, if that is free.
  const llm = await runtime(OLLAMA, 11434).catch(() => runtime(OLLAMA));
  // The first run sends a request without a key, which works on loopback.
  const { origin, end } = await serve({ ...(settings ? { API_KEY } : {}), ...env });
  const url = origin.replace('http', 'ws');
  const stage = {
    origin,
    url: llm.url,
    env: { API_KEY, ...env },
    link: `llamapool://join?server=${url}/api/workers/connect&key=${CLIENT_KEY}`,
  };
  if (settings) await configure(display.home, settings, { url, llm });
  const app = await drive(display.environment, [], await named(display.home, 'studio'));
  try {
    await act(app, stage);
    await app.run('document.activeElement?.blur()');
    await pause(SETTLE_MS);
    await writeFile(path, await picture(display.environment));
    shrink(path);
    console.log(`${path}: ${Math.round((await stat(path)).size / 1000)} kB`);
  } catch (error) {
    console.error(`${name}-${scheme}: ${error.message}\n${await app.text().catch(() => '')}`);
  }
  await app.close();
  end();
  llm.close();
  await display.close();
}

async function configure(home, settings, { url, llm }) {
  const folder = join(home, '.config/llamapool');
  await mkdir(folder, { recursive: true });
  const lines = {
    server_url: url,
    client_key: CLIENT_KEY,
    client_name: 'studio',
    completion_base_url: `${llm.url}/v1`,
    max_concurrency: '4',
  };
  const [key, value] = typeof settings === 'string' ? settings.split(/: (.*)/) : [];
  if (key) lines[key] = value;
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(join(folder, 'worker.yaml'), text.join(''), { mode: 0o600 });
}

/** The app on a machine with this host name, if we may set one. */
async function named(home, host) {
  if (!MAY_PRETEND) return `${PROGRAMS}llamapool`;
  const script = join(home, 'llamapool');
  await writeFile(script, `#!/bin/sh\n${onMachine(host, 'llamapool')}\n`, { mode: 0o755 });
  return script;
}

function shrink(path) {
  try {
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--ext', '.png', '--speed', '1', '128', path]);
  } catch (error) {
    if (error.code === 'ENOENT') console.log('pngquant is not installed: the screenshot is not compressed');
  }
}
