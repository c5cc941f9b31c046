// Workers are drained and resumed, which affects the next requests.

import assert from 'node:assert/strict';
import { failedLoad, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

await play(async (arrive) => {
  const north = await pool.join('north', ['m']);
  const open = chat('m', script.stepped(2), { id: 'req-open' });
  await north.open(1);
  const south = await pool.join('south', ['m']);
  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter('workers');
  const status = async (name) => (await pool.state()).workers.find((worker) => worker.name === name).status;
  const row = person.row('north');

  await person.button(/^Drain north:/).click();
  await person.sees('north is draining.');
  await person.sees('Draining', { within: row });
  assert.equal(await status('north'), 'draining');
  for (let i = 0; i < 4; i++) assert.equal((await chat('m', 'answer').whole).worker, 'south');
  assert.deepEqual([await north.seen(), await south.seen()], [1, 4], 'what it had before, and nothing new');
  await north.step(3);
  const whole = await open.whole;
  assert.deepEqual([whole.status, whole.worker], [200, 'north'], 'what was open is finished');

  await person.button(/^Resume north:/).click();
  await person.sees('north gets requests again.');
  await person.sees('Idle', { within: row });
  assert.equal(await status('north'), 'idle');
  await person.button(/^Drain south:/).click();
  await person.sees('Draining', { within: person.row('south') });
  assert.equal((await chat('m', 'answer').whole).worker, 'north');

  await person.button(/^Drain north:/).click();
  await person.sees('Draining', { within: row });
  assert.equal((await chat('m', 'answer').whole).status, 503, 'no worker is left');
});
