// The key is required, a wrong one is reported, and it is stored only on request and only for the session.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { API_KEY, ORIGIN } from './pool.mjs';

await play(async (arrive) => {
  const person = await arrive({ tolerates: [failedLoad(401)] });
  const { page } = person;
  const key = page.getByLabel('API key');
  const remember = page.getByLabel('Remember the key until I close this tab');
  const stored = () =>
    page.evaluate(() => [JSON.stringify({ ...sessionStorage }), JSON.stringify({ ...localStorage })].join());

  await page.goto(`${ORIGIN}/`);
  await person.sees('Sign in');
  assert.ok(await key.evaluate((field) => field === document.activeElement), 'the field has the focus');
  await page.keyboard.press('Escape');
  await person.sees('Sign in');

  await page.keyboard.press('Enter');
  await person.sees('Enter an API key.');
  await key.fill('not the key');
  await page.keyboard.press('Enter');
  await person.sees('API keys can’t contain spaces');
  await key.fill('sk-wrong');
  await page.keyboard.press('Enter');
  await person.sees('The server rejected this API key.');

  await key.fill(API_KEY);
  await page.keyboard.press('Enter');
  await person.isLive();
  assert.ok(!(await stored()).includes(API_KEY), 'not stored by default');
  assert.ok(!(await page.content()).includes(API_KEY), 'the key is not in the page');
  await page.reload();
  await person.sees('Sign in');

  await key.fill(API_KEY);
  await remember.check();
  await person.button('Sign in').click();
  await person.isLive();
  await page.reload();
  await person.isLive();
  assert.ok(
    !(await page.evaluate(() => JSON.stringify({ ...localStorage }))).includes(API_KEY),
    'of this session only',
  );

  const other = await arrive({ tolerates: [failedLoad(401)] });
  await other.page.goto(`${ORIGIN}/`);
  await other.sees('Sign in');

  await person.button('Sign out').click();
  await person.sees('Sign in');
  assert.ok(!(await stored()).includes(API_KEY), 'forgotten');
  await page.reload();
  await person.sees('Sign in');
});
