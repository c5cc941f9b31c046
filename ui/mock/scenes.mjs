// Acts on the dashboard as a person would and takes a picture of each step: `node mock/scenes.mjs [scheme] [width]`.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';

const [scheme = 'light', width = '1280', only = ''] = process.argv.slice(2);
const HOME = fileURLToPath(new URL('.', import.meta.url));
const OUT = `${HOME}shots`;
await mkdir(OUT, { recursive: true });
const browser = await launch();
let port = 8100 + Math.floor(Math.random() * 800);

async function scene(name, mode, act) {
  if (only && !name.includes(only)) return;
  port += 1;
  const server = spawn(process.execPath, [`${HOME}server.mjs`, mode, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => server.stdout.once('data', resolve));
  const context = await browser.newContext({
    viewport: { width: Number(width), height: Number(width) < 600 ? 740 : 860 },
    colorScheme: scheme,
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`${name}: ${error.stack}`));
  page.on(
    'console',
    (message) =>
      message.type() === 'error' &&
      !message.text().startsWith('Failed to load') &&
      console.error(`${name}: ${message.text()}`),
  );
  let step = 0;
  const shoot = async () =>
    page.screenshot({ path: `${OUT}/scene-${name}-${++step}-${width}-${scheme}.png` });
  try {
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.waitForTimeout(700);
    await act(page, shoot, server);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    await shoot();
  }
  await context.close();
  server.kill();
}

const go = async (page, to) => {
  await page.getByRole('link', { name: to, exact: true }).click();
  await page.waitForTimeout(300);
};

await scene('key', 'key', async (page, shoot) => {
  await shoot();
  await page.getByLabel('API key').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('did not accept').waitFor();
  await shoot();
  await page.getByLabel('API key').fill('secret');
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  await shoot();
});

await scene('workers', 'lively', async (page, shoot) => {
  await go(page, 'Workers');
  await page.getByText('Cards').click();
  await shoot();
  await page.getByRole('button', { name: 'Details of gpu-box-01' }).click();
  await shoot();
  await page.keyboard.press('Escape');
  await page.getByText('Table', { exact: true }).click();
  await page.getByRole('button', { name: /^Drain Mac Studio/ }).click();
  await page.getByText('Mac Studio is draining.').waitFor();
  await shoot();
});

await scene('drain', 'lively', async (page, shoot) => {
  await page.getByRole('button', { name: 'Drain server' }).click();
  await shoot();
  await page.getByRole('button', { name: 'Drain server', exact: true }).click();
  await page.getByText('new requests are refused').waitFor();
  await shoot();
});

await scene('chat', 'lively', async (page, shoot) => {
  await go(page, 'Playground');
  const ask = async (text) => {
    await page.getByLabel('Message').fill(text);
    await page.keyboard.press('Enter');
  };
  await ask('Why do llamas hum? (think)');
  await page.waitForTimeout(1500);
  await shoot();
  await page.getByRole('button', { name: 'Ask again' }).waitFor();
  await ask('And with an error?');
  await page.getByText('was lost in the middle').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).waitFor();
  await ask('And if it is cut?');
  await page.getByText('broke off').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).waitFor();
  await ask('And stopped?');
  await page.waitForTimeout(600);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped', { exact: true }).waitFor();
  await shoot();
});

await scene('stale', 'lively', async (page, shoot, server) => {
  server.kill();
  await page.waitForTimeout(4500);
  await shoot();
  await go(page, 'Workers');
  await shoot();
});

await scene('dropping', 'dropping', async (page, shoot) => {
  await page.getByText('Stale').waitFor({ timeout: 12_000 });
  await shoot();
  await page.getByText('Live', { exact: true }).waitFor();
  await page.mouse.move(400, 300);
  await page.waitForTimeout(300);
  await shoot();
});

for (const mode of ['empty', 'one', 'nomodels', 'busy', 'draining', 'down']) {
  await scene(mode, mode, async (page, shoot) => {
    if (mode === 'busy') await page.waitForTimeout(4000);
    await shoot();
    if (mode === 'down') return;
    await go(page, 'Models');
    await shoot();
    await go(page, 'Requests');
    await shoot();
  });
}
await browser.close();
