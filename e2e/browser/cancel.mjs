// A request is cancelled with its button: the client gets an error, and the runtime stops.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

await play(async (arrive) => {
  const llm = await pool.join('studio', ['m'], 1);
  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter('requests');

  const streaming = chat('m', script.stepped(50), { id: 'req-streaming' });
  await llm.open(1);
  await llm.step();
  await streaming.head;
  const queued = chat('m', 'answer', { id: 'req-queued' });
  await person.sees('Queued');
  await person.button('Cancel request req-queued').click();
  await person.sees('Request req-queued was cancelled.');
  const never = await queued.whole;
  assert.equal(never.status, 503);
  assert.match(never.text, /request_cancelled/);
  assert.equal(await llm.seen(), 1, 'it has never come to the runtime');

  await person.button('Cancel request req-streaming').click();
  await person.sees('Request req-streaming was cancelled.');
  await llm.open(0);
  const { error } = await streaming.whole;
  assert.ok(error, 'the stream does not look complete');
  await person.page.mouse.move(0, 0); // rows keep their place while the pointer is over them
  await person.sees('No open requests');
  await person.page.getByLabel('Outcome').selectOption('Cancelled');
  const rows = person.page.getByRole('table', { name: 'Recent requests' }).getByRole('row');
  await person.until(async () => assert.equal(await rows.count(), 3, 'a head and two requests'));

  assert.equal((await chat('m', 'answer').whole).status, 200, 'the slot is free');
});
