// A chat with a chosen model streams, stops, and reports errors.

import assert from 'node:assert/strict';
import { failedLoad, NO_SERVER, play } from './play.mjs';
import { pool, script } from './pool.mjs';

const say = (text) => script.event({ choices: [{ index: 0, delta: { content: text } }] });
const HOSTILE = '<b>bold</b><img src=x onerror=alert(1)>';

await play(async (arrive) => {
  const small = await pool.join('laptop', ['small:1b']);
  const large = await pool.join('studio', ['large:70b']);
  const person = await arrive({
    tolerates: [failedLoad(401), failedLoad(503), NO_SERVER],
  });
  await person.enter('models');
  await person.page.getByRole('link', { name: 'large:70b' }).click();
  const { page } = person;
  const model = page.getByLabel('Model', { exact: true });
  await person.until(async () => assert.equal(await model.inputValue(), 'large:70b'));
  const message = page.getByLabel('Message');
  const ask = async (text) => {
    await message.fill(text);
    await page.keyboard.press('Enter');
  };
  const answer = page.getByRole('log');

  const chunks = [
    say('Hello '),
    say('there'),
    script.event({
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 2 },
    }),
  ];
  await large.always(script.chunks('text/event-stream', [...chunks, 'data: [DONE]\n\n'], 'stepped'));
  await ask('Who is there?');
  await person.sees('Who is there?', { within: answer });
  await person.sees('Waiting for the first token…');
  await large.step();
  await person.sees('Hello', { within: answer });
  await large.step();
  await person.sees('Hello there', { within: answer });
  await large.step(2);
  await person.sees(/^2 tokens · /);
  assert.deepEqual([await large.seen(), await small.seen()], [1, 0]);

  await model.selectOption('small:1b');
  await small.always(script.chunks('text/event-stream', [say('On and '), say('on')], 'stepped'));
  await ask('Say a lot');
  await small.step();
  await person.sees('On and', { within: answer });
  await person.button('Stop').click();
  await person.sees('Stopped', { exact: true });
  await small.open(0);
  assert.deepEqual([await large.seen(), await small.seen()], [1, 1]);

  const dies = script.chunks('text/event-stream', [say(HOSTILE), say('!')], 'stepped');
  await small.always({ chunks: { ...dies.chunks, end: 'die' } });
  await ask('Break');
  await small.step();
  await person.sees(HOSTILE, { within: answer });
  await small.step();
  await person.sees(/^Error:/);
  await small.always({ status: { code: 503, retry_after: null } });
  await ask('Refuse');
  await person.sees('the runtime says 503');
});
