// A new server shows the next step, with the right URL, and no actions that cannot work.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { chat, ORIGIN, pool } from './pool.mjs';

await play(async (arrive) => {
  for (const narrow of [false, true]) {
    const person = await arrive({ narrow, tolerates: [failedLoad(401)] });
    await person.enter();
    const dial = `--server-url ${ORIGIN.replace('http', 'ws')}`;
    for (const page of ['Overview', 'Workers', 'Models', 'Playground', 'Connect']) {
      await person.go(page);
      await person.sees(dial);
      await person.fitsTheScreen();
    }
    await person.go('Overview');
    await person.sees('No requests in the last hour');
    await person.sees('No workers connected');
    assert.equal(
      await person.page.getByRole('link', { name: 'Open playground' }).count(),
      0,
      'there are no models to chat with',
    );
    await person.go('Requests');
    await person.sees('No requests yet');
    assert.equal(await person.page.getByRole('link', { name: 'Open playground' }).count(), 0);
    await person.fitsTheScreen();
  }

  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter();
  await pool.join('studio', ['m']);
  await person.page.getByRole('link', { name: 'Open playground' }).waitFor();
  assert.equal((await chat('m', 'answer').whole).status, 200);
  await person.seesNot('No requests in the last hour');
  await person.sees('Requests per second');
});
