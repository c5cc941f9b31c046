// Names, models, reasons and IDs with markup stay text.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { chat, pool } from './pool.mjs';

const IMAGE = '<img src=x onerror=alert(1)>';
const RIGHT_TO_LEFT = '\u202Egpj.exe\u2066';
const LONG = 'W'.repeat(128);
const MODELS = [
  '"><script>alert(2)</script>',
  "'; rm -rf ~ #",
  '</td><h1>big</h1>',
  'm'.repeat(200),
  '__proto__',
  'constructor',
];
const REASON = '<iframe src=javascript:alert(3)></iframe> {{7*7}} ${7*7}';
const PAGES = ['Overview', 'Workers', 'Models', 'Requests', 'Playground', 'Connect'];

await play(async (arrive) => {
  for (const name of [IMAGE, RIGHT_TO_LEFT, LONG]) await pool.join(name, name === IMAGE ? MODELS : ['m']);
  const hello = {
    t: 'hello',
    id: '../../drain?<svg onload=alert(4)>',
    name: 'sick',
    version: IMAGE,
    instance: 'x',
    max_streams: 8,
    recv_window: 1_048_576,
  };
  const report = {
    t: 'report',
    state: 'not_ready',
    reason: REASON,
    capacity: 1,
    in_flight: 0,
    models: [],
    runtime_version: IMAGE,
    host: { hostname: IMAGE, os: REASON, arch: '"' },
  };
  await pool.impostor(hello, report);
  for (const model of [...MODELS, 'nobody <b>has</b> it']) {
    await chat(model, 'slam', { id: '<img/src=x/onerror=alert(5)>' }).whole;
  }

  for (const narrow of [false, true]) {
    const person = await arrive({ narrow, tolerates: [failedLoad(401)] });
    await person.enter();
    await person.sees(REASON);
    for (const name of PAGES) {
      await person.go(name);
      await person.page.getByRole('heading', { level: 2 }).first().waitFor();
      await person.fitsTheScreen();
      await isPlain(person);
    }
    await person.go('Workers');
    const details = person.button(`Details of ${IMAGE}`);
    assert.equal((await details.innerText()).trim(), IMAGE);
    await details.click();
    const dialog = person.page.getByRole('dialog');
    await person.sees(MODELS[2], { within: dialog });
    await isPlain(person);
    await person.page.keyboard.press('Escape');
    await person.sees('gpj.exe');
  }

  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter('workers');
  await person.button(/^Drain sick/).click();
  await person.sees('sick is draining.');
  assert.equal(
    (await pool.state()).server.state,
    'ready',
    'an id that looks like a path drains its worker, not the server',
  );
});

/** Asserts that no text created an element. */
async function isPlain({ page }) {
  const made = await page.evaluate(
    () => document.querySelectorAll('img, iframe, h1 h1, td h1, svg[onload], #app script').length,
  );
  assert.equal(made, 0, 'elements that a text has made');
  assert.doesNotMatch(
    await page.content(),
    /[\u202A-\u202E\u2066-\u2069]/,
    'nothing turns the text around it',
  );
}
