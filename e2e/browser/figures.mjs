// All figures on the pages match a known set of requests.

import assert from 'node:assert/strict';
import { Ledger } from './ledger.mjs';
import { failedLoad, play } from './play.mjs';
import { chat, pool, script } from './pool.mjs';

/** Time that requests wait for a slot, in milliseconds. */
const HELD_MS = 700;

const strings = (figures) =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, String(value)]));

await play(async (arrive) => {
  // `alpha` is on both workers, `beta` on one that runs one request at a time.
  const left = await pool.join('left', ['alpha', 'beta'], 1);
  const right = await pool.join('right', ['alpha']);
  const person = await arrive({ tolerates: [failedLoad(401)] });
  await person.enter();
  const did = new Ledger();

  for (const [model, tokensIn, tokensOut] of [
    ['beta', 11, 7],
    ['alpha', 100, 50],
    ['alpha', 1, 2],
    ['alpha', 13, 17],
  ]) {
    did.note(model, await chat(model, script.usage(tokensIn, tokensOut)).whole, tokensIn, tokensOut);
  }
  did.note('beta', await chat('beta', script.streamed(23, 29)).whole, 23, 29);
  did.note('alpha', await chat('alpha', 'echo').whole, 0, 0);

  // The only worker with the model fails: a failure. Unknown model, no model: rejections. Wrong key: blocked.
  did.failed('left', 'beta', await chat('beta', script.slam).whole, 502);
  did.refused(await chat('gamma', 'answer').whole, 404);
  did.refused(await chat(undefined, 'answer').whole, 400);
  did.blocked(await chat('alpha', 'answer', { key: 'sk-stranger' }).whole, 401);
  // A request that the runtime rejects with a client error counts as done.
  did.note('beta', await chat('beta', { status: { code: 422, retry_after: null } }).whole, 0, 0, 422);

  // `left` breaks every connection for a while, so its requests fail over.
  await left.always(script.slam);
  const before = await left.seen();
  for (let i = 0; i < 4; i++) did.note('alpha', await chat('alpha').whole, 1, 1);
  did.takenOver('left', 'alpha', (await left.seen()) - before);
  await left.always('answer');

  const waited = await queue(person, left, did);

  // One request is cancelled on the page, one by its client.
  const cancelled = chat('beta', script.stepped(9), { id: 'req-cancel' });
  await left.step();
  await cancelled.head;
  await person.go('Requests');
  await person.button('Cancel request req-cancel').click();
  did.left('left', 'beta', await cancelled.whole);
  const leaver = chat('beta', script.hang);
  await left.open(1);
  leaver.leave();
  await left.open(0);
  did.left('left', 'beta', await leaver.whole);

  const settled = await person.until(async () => {
    const state = await pool.state();
    assert.equal(state.live.length, 0);
    return state;
  });
  did.equals(settled);
  queueEquals(settled, waited);
  await person.go('Overview');
  await overviewEquals(person, did.server);
  await hourEquals(person, did.server);
  await person.go('Workers');
  for (const name of ['left', 'right']) await workerEquals(person, name, did.workers[name], settled);
  await person.go('Requests');
  await requestsEqual(person, settled);
});

/** Two requests are queued for the one slot of `beta`. Returns how long they waited. */
async function queue(person, left, did) {
  const first = chat('beta', script.streamed(3, 5, 'stepped'));
  await left.open(1);
  const sent = performance.now();
  const waiting = ['req-second', 'req-third'].map((id) => chat('beta', script.usage(2, 4), { id }));
  await person.go('Overview');
  await person.until(async () => assert.equal(await tile(person, 'Open requests'), '3 2 queued'));
  const seen = performance.now();
  await person.sees('2 requests queued');
  await person.sees('+2 queued');
  await person.go('Models');
  await person.until(async () =>
    assert.deepEqual(await cells(person.row('beta'), 4), ['beta', '1', '0', '2']),
  );
  await person.go('Requests');
  const queued = person.page.getByText('Queued', { exact: true });
  await person.until(async () => assert.equal(await queued.count(), 2));
  const state = await pool.state();
  assert.equal(state.server.scheduler_queue_len, 2);
  assert.deepEqual(
    state.models.map(({ name, queue_len }) => [name, queue_len]),
    [
      ['alpha', 0],
      ['beta', 2],
    ],
  );
  assert.equal(state.workers.find(({ name }) => name === 'left').queue_len, 2);
  await person.until(async () => assert.ok(performance.now() - seen > HELD_MS));
  const atLeast = performance.now() - seen;
  await left.step(3);
  did.note('beta', await first.whole, 3, 5);
  for (const one of waiting) did.note('beta', await one.whole, 2, 4);
  return {
    ids: ['req-second', 'req-third'],
    atLeast: Math.floor(atLeast),
    atMost: performance.now() - sent,
  };
}

function queueEquals({ recent }, { ids, atLeast, atMost }) {
  for (const id of ids) {
    const {
      queue_ms: queued,
      total_ms: total,
      first_byte_ms: first,
    } = recent.find((request) => request.id === id);
    assert.ok(
      queued >= atLeast && queued <= atMost,
      `${id} waited ${queued} ms, which is between ${atLeast} and ${atMost}`,
    );
    assert.ok(queued <= first && first <= total, `${id}: ${queued}, ${first}, ${total}`);
  }
  const others = recent.filter((request) => request.outcome === 'done' && !ids.includes(request.id));
  for (const { id, queue_ms: queued } of others) assert.ok(queued < atLeast, `${id} waited ${queued} ms`);
}

async function overviewEquals(person, server) {
  const panel = person.page.getByRole('region', {
    name: 'Server',
    exact: true,
  });
  await person.until(async () => {
    const shown = {};
    for (const name of Object.keys(server)) shown[name] = await person.fact(name, panel);
    assert.deepEqual(shown, strings(server));
  });
  assert.equal(await tile(person, 'Workers'), '2 2 idle');
  assert.equal(await tile(person, 'Open requests'), '0 0 queued');
  assert.equal(
    await tile(person, 'Errors, last hour'),
    `${server.Failed} ${server.Rejected} rejected · ${server['Client disconnected']} disconnected`,
  );
}

/** The table with the data of the charts. */
async function hourEquals(person, server) {
  await person.page.getByText('Table', { exact: true }).click();
  const ended = server.Completed + server.Failed + server.Rejected + server['Client disconnected'];
  const expected = [
    'All',
    ended,
    server.Failed,
    server.Rejected,
    server['Client disconnected'],
    server['Output tokens'],
  ];
  await person.until(async () => {
    const all = await cells(person.row('All'), 9);
    assert.deepEqual(all.slice(0, 6), expected.map(String));
    assert.deepEqual(all.slice(7), ['3', '2'], 'the most that were open, and that waited');
  });
  const minutes = await person.page
    .getByRole('table', { name: 'Last hour by minute' })
    .locator('tbody tr:not(.all)')
    .all();
  let sum = 0;
  for (const minute of minutes) sum += Number((await cells(minute, 2))[1]);
  assert.equal(sum, ended, 'the minutes add up');
}

async function workerEquals(person, name, did, { workers }) {
  const worker = workers.find((worker) => worker.name === name);
  const millis = (ms) => (ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);
  const row = person.page.getByRole('row').filter({ has: person.button(`Details of ${name}`) });
  await person.until(async () => {
    const shown = await row.getByRole('cell').allInnerTexts();
    assert.deepEqual(
      shown.slice(5, 7).map((text) => text.trim()),
      [did.done, did.failed].map(String),
    );
  });
  await person.button(`Details of ${name}`).click();
  const dialog = person.page.getByRole('dialog');
  assert.equal(await person.fact('Requests', dialog), String(did.done));
  assert.equal(await person.fact('Input tokens', dialog), String(did.tokensIn));
  assert.equal(await person.fact('Output tokens', dialog), String(did.tokensOut));
  assert.equal(await person.fact('Average duration', dialog), millis(worker.avg_processing_ms));
  for (const [model, { done, failed, tokensIn, tokensOut }] of Object.entries(did.models)) {
    const figures = (await cells(dialog.getByRole('row').filter({ hasText: model }), 9)).slice(5);
    assert.deepEqual(figures, [done, failed, tokensIn, tokensOut].map(String), `${model} of ${name}`);
  }
  await person.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}

async function requestsEqual(person, { recent }) {
  const rows = person.page.getByRole('table', { name: 'Recent requests' }).locator('tbody tr');
  await person.until(async () => assert.equal(await rows.count(), recent.length));
  for (const [at, request] of recent.entries()) {
    const [outcome, , model, worker, , , , , tokens] = await cells(rows.nth(at), 9);
    const words = {
      done: 'Done',
      refused: 'Rejected',
      failed: 'Failed',
      left: 'Client disconnected',
      cancelled: 'Cancelled',
    };
    assert.ok(outcome.startsWith(words[request.outcome]), outcome);
    assert.deepEqual([model, worker], [request.model ?? '–', request.worker ?? '–']);
    assert.equal(tokens, request.tokens_in === null ? '–' : `${request.tokens_in} → ${request.tokens_out}`);
  }
}

/** The first cells of a row, as text. */
async function cells(row, count) {
  const texts = await row.first().locator('th, td').allInnerTexts();
  return texts.slice(0, count).map((text) => text.trim());
}

async function tile(person, name) {
  const heading = person.page.getByRole('region', { name: 'At a glance' }).getByRole('heading', { name });
  return (await heading.locator('..').innerText()).slice(name.length).split(/\s+/).filter(Boolean).join(' ');
}
