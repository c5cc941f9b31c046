// The server is restarted: the data is marked as stale until it is back.

import assert from 'node:assert/strict';
import { failedLoad, NO_SERVER, play } from './play.mjs';
import { chat, pool } from './pool.mjs';

await play(async (arrive) => {
  await pool.join('studio', ['m']);
  assert.equal((await chat('m', 'answer').whole).status, 200);
  const person = await arrive({ tolerates: [failedLoad(401), NO_SERVER] });
  await person.enter('workers');
  await person.sees('Idle', { within: person.row('studio') });

  await pool.killServer();
  await person.sees(/^Stale · /);
  await person.sees('No connection to the server. This data is');
  await person.sees('studio', { within: person.row('studio') });
  assert.ok(await person.button(/^Drain studio/).isDisabled(), 'nothing can be done now');
  await person.go('Overview');
  assert.ok(await person.button('Drain and shut down…').isDisabled());

  await person.button('Retry now').click();
  await person.sees('No connection to the server.');
  await pool.startServer();
  await person.isLive();
  await person.seesNot('No connection to the server');
  await person.go('Workers');
  await person.sees('Idle', { within: person.row('studio') });
  assert.ok(await person.button(/^Drain studio/).isEnabled());
  await person.go('Requests');
  await person.sees('No requests yet');
});
