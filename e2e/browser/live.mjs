// Requests of other clients are shown live.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

await play(async (arrive) => {
  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter('requests');
  await person.sees('No requests yet');
  const llm = await pool.join('studio', ['llama3:8b']);

  const request = chat('llama3:8b', script.streamed(12, 34, 'stepped'), {
    id: 'req-live',
  });
  await llm.open(1);
  const row = person.row('llama3:8b').filter({ has: person.button('Cancel request req-live') });
  await person.sees('Waiting', { within: row });
  await person.sees('studio', { within: row });
  await llm.step();
  await person.sees('Streaming', { within: row });
  await person.until(async () => {
    const shown = (await row.innerText()).split('\n').join(' ');
    assert.match(shown, /\b1\b/, 'one chunk so far');
  });
  await person.go('Overview');
  await person.until(async () => assert.match(await tile(person, 'Open requests'), /^1 /));
  await person.sees('Working');

  await llm.step(2);
  assert.equal((await request.whole).status, 200);
  await person.until(async () => assert.match(await tile(person, 'Open requests'), /^0 /));
  await person.sees('Idle');
  await person.go('Requests');
  const ended = person.row('12 → 34');
  await person.sees('Done', { within: ended });
  await person.sees('No open requests');

  await llm.leave();
  await person.go('Workers');
  await person.sees('Offline');
});

async function tile(person, name) {
  const heading = person.page.getByRole('region', { name: 'At a glance' }).getByRole('heading', { name });
  return (await heading.locator('..').innerText()).split(/\s+/).slice(name.split(' ').length).join(' ');
}
