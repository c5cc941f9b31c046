// Everything works with the keyboard: sign in, navigate, drain a worker, send a message, stop it.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { API_KEY, ORIGIN, pool, script } from './pool.mjs';

/** Number of Tab presses that covers any page. */
const FAR = 80;

await play(async (arrive) => {
  const llm = await pool.join('studio', ['m']);
  const person = await arrive({ tolerates: [failedLoad(401)] });
  const { page } = person;
  const { keyboard } = page;
  /** Presses Tab until `name` has the focus, which must be visible. */
  const tabTo = async (name) => {
    for (let i = 0; i < FAR; i++) {
      await keyboard.press('Tab');
      const at = await page.evaluate(focused);
      if (!at || !name.test(at.name)) continue;
      assert.ok(at.seen, `the focus on ${at.name} can be seen`);
      return;
    }
    assert.fail(`Tab never comes to ${name}`);
  };
  const open = async (name) => {
    await tabTo(name);
    await keyboard.press('Enter');
  };

  await page.goto(`${ORIGIN}/`);
  await person.sees('Sign in');
  await keyboard.type(API_KEY);
  await keyboard.press('Enter');
  await person.isLive();

  await open(/^Workers$/);
  await person.sees('studio');
  await open(/^Details of studio$/);
  await page.getByRole('dialog').waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.match((await page.evaluate(focused)).name, /^Details of studio$/, 'the focus is back where it was');
  await open(/^Drain studio/);
  await person.sees('Draining', { within: person.row('studio') });
  await keyboard.press('Enter');
  await person.sees('Idle', { within: person.row('studio') });

  await open(/^Skip to content$/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content');

  await llm.always(script.stepped(9));
  await open(/^Playground$/);
  await tabTo(/^Message$/);
  await keyboard.type('Hello');
  await keyboard.press('Enter');
  await llm.step();
  await person.sees('tok0');
  await open(/^Stop$/);
  await person.sees('Stopped', { exact: true });
  assert.equal((await page.evaluate(focused)).name, 'Message', 'the next question can be typed');
  await llm.open(0);
});

/** The focused element: its label, and whether its focus ring is visible. */
function focused() {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const label = at.labels?.[0]?.innerText;
  const name = at.getAttribute('aria-label') ?? label ?? at.innerText ?? '';
  const ring = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  return { name: name.trim(), seen: ring && box.width > 1 && box.height > 1 };
}
