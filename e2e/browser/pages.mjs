// Every page in light and dark, wide and narrow: axe finds no violations, and nothing is wider than the screen.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { failedLoad, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

const PAGES = ['Overview', 'Workers', 'Models', 'Requests', 'Playground', 'Connect'];
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

await play(async (arrive) => {
  const llm = await pool.join('studio', ['llama3:8b', 'qwen2.5-coder:32b'], 1);
  await pool.join('gaming-pc', ['llama3:8b']);
  const leaves = await pool.join('travel-macbook', ['llama3:8b']);
  await leaves.leave();
  await chat('llama3:8b', script.usage(10, 20)).whole;
  await chat('qwen2.5-coder:32b', script.slam).whole;
  await chat('nobody-has-it', 'answer').whole;
  const held = chat('qwen2.5-coder:32b', script.hang);
  await llm.open(1);
  const waits = chat('qwen2.5-coder:32b', 'answer');

  for (const scheme of ['light', 'dark']) {
    for (const narrow of [false, true]) {
      const person = await arrive({
        narrow,
        scheme,
        tolerates: [failedLoad(401)],
      });
      await person.enter();
      await person.page.evaluate(axe);
      await examine(person, scheme);
    }
  }
  held.leave();
  waits.leave();
});

async function examine(person, scheme) {
  for (const name of PAGES) {
    await person.go(name);
    await person.page.getByRole('heading', { level: 2 }).first().waitFor();
    await person.fitsTheScreen();
    await isAccessible(person, `${name}, ${scheme}`);
  }
  await person.go('Overview');
  await person.page.getByText('Table', { exact: true }).click();
  await person.fitsTheScreen();
  await isAccessible(person, `the table of the last hour, ${scheme}`);
  await person.go('Workers');
  for (const view of ['Table', 'Cards']) {
    await person.page.getByText(view, { exact: true }).click();
    await person.fitsTheScreen();
    await isAccessible(person, `${view} of workers, ${scheme}`);
  }
  await person.button('Details of studio').click();
  await person.page.getByRole('dialog').waitFor();
  await isAccessible(person, `details of a worker, ${scheme}`);
  await person.page.keyboard.press('Escape');
}

async function isAccessible({ page }, where) {
  const found = await page.evaluate(() =>
    window.axe.run(document, { preload: false, resultTypes: ['violations'] }),
  );
  const violations = found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`,
  );
  assert.deepEqual(violations, [], `axe on ${where}`);
}
