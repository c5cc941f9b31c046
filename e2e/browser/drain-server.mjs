// The server is drained after confirmation: it finishes open requests and exits.

import assert from 'node:assert/strict';
import { failedLoad, NO_SERVER, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

await play(async (arrive) => {
  const llm = await pool.join('studio', ['m']);
  const open = chat('m', script.stepped(2));
  await llm.step();
  assert.equal((await open.head).status, 200);
  const person = await arrive({ tolerates: [failedLoad(401), NO_SERVER] });
  await person.enter();

  await person.button('Drain and shut down…').click();
  await person.sees('Drain and shut down the server?');
  await person.sees('finishes the open request');
  const keep = person.button('Cancel');
  assert.ok(
    await keep.evaluate((button) => button === document.activeElement),
    'the harmless answer is at hand',
  );
  await keep.click();
  await person.seesNot('Drain and shut down the server?');
  assert.equal((await pool.state()).server.state, 'ready');

  await person.button('Drain and shut down…').click();
  await person.button('Drain and shut down', person.page.getByRole('dialog')).click();
  await person.sees('The server is draining and rejects new requests. 1 still open.');
  assert.equal((await chat('m', 'answer').whole).status, 503);
  await llm.step(2);
  const { status, text, error } = await open.whole;
  assert.deepEqual([status, error], [200, undefined]);
  assert.match(text, /\[DONE\]\n\n$/);
  assert.equal(await pool.serverEnds(), 0);
  await person.sees('No connection to the server.');
  await person.sees('Stale');
});
