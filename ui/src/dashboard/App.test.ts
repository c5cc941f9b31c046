import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Snapshot } from '../bindings/Snapshot';
import { aStream, anError, serve, settle, type Wire } from '../testing/http';
import { anEnded, aSnapshot, aWorker } from '../testing/samples';
import App from './App.svelte';
import { t } from './strings';

const HOSTILE = '<img src=x onerror=alert(1)>';
let wire: Wire;
let needed: string | null;
/** The server’s reason for not giving a join link. */
let refusal: string | null;

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  localStorage.setItem('llamapool.workers-view', 'table');
  sessionStorage.clear();
  needed = null;
  refusal = null;
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  location.hash = '';
});

async function open(page: string, state: Snapshot = aSnapshot()) {
  location.hash = `#/${page}`;
  const asked = serve((call, signal) => {
    if (needed && call.authorization !== `Bearer ${needed}`) return anError(401, 'Wrong key');
    if (call.path === '/api/state/stream?only=changes') {
      const stream = aStream(signal);
      wire = stream.wire;
      wire.say(`event: snapshot\ndata: ${JSON.stringify(state)}\n\n`);
      return stream.response;
    }
    if (call.path === '/v1/models')
      return Response.json({ data: state.models.map(({ name }) => ({ id: name })) });
    if (call.path === '/api/workers/join-link')
      return refusal
        ? anError(403, refusal)
        : Response.json({ link: 'llamapool://join?server=ws://192.0.2.7:8080&key=sk-worker' });
    return new Response(null, { status: 204 });
  });
  const { container } = render(App);
  await settle();
  return { asked, container };
}

const workers = [
  aWorker({
    id: 'a/1',
    name: HOSTILE,
    status: 'working',
    inflight: 1,
    last_error: `<script>alert(2)</script>`,
  }),
  aWorker({ id: 'b', name: 'beta', status: 'draining', max_concurrency: 8 }),
];

test('opens only one stream, however many updates it carries', async () => {
  const { asked } = await open('overview');
  wire.say(`event: update\ndata: ${JSON.stringify(aSnapshot({ version: 2 }))}\n\n`);
  await settle();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked.filter((call) => call.path === '/api/state/stream?only=changes')).toHaveLength(1);
});

test('asks for the key, reports a rejected one, and does not store it by default', async () => {
  needed = 'secret';
  await open('overview');
  const type = async (value: string) => {
    await fireEvent.input(screen.getByLabelText(t.key.label), { target: { value } });
    await fireEvent.click(screen.getByRole('button', { name: t.key.submit }));
    await settle();
  };
  await type(' ');
  expect(screen.getByText(t.key.empty)).toBeTruthy();
  await type('wrong');
  expect(screen.getByText(t.key.refused)).toBeTruthy();
  await type('secret');
  expect(screen.queryByLabelText(t.key.label)).toBeNull();
  expect(screen.getByText(t.link.live)).toBeTruthy();
  expect(sessionStorage).toHaveLength(0);
  expect(JSON.stringify(localStorage)).not.toContain('secret');
});

test('stores the key for the session if the user chooses so, and clears it on sign-out', async () => {
  needed = 'secret';
  await open('overview');
  await fireEvent.input(screen.getByLabelText(t.key.label), { target: { value: 'secret' } });
  await fireEvent.click(screen.getByLabelText(t.key.remember));
  await fireEvent.click(screen.getByRole('button', { name: t.key.submit }));
  await settle();
  expect(Object.values({ ...sessionStorage })).toEqual(['secret']);
  await fireEvent.click(screen.getByLabelText(t.key.forget));
  expect(sessionStorage).toHaveLength(0);
});

test.each(['overview', 'workers', 'models', 'requests', 'playground', 'connect'])(
  'hostile names stay text on the page %s',
  async (page) => {
    const model = {
      name: HOSTILE,
      loaded: null,
      size: null,
      context: null,
      quantization: null,
      remote: false,
    };
    const state = aSnapshot({
      workers: [{ ...workers[0]!, models: [model], models_supported: [HOSTILE] }],
      models: [{ name: HOSTILE, workers: 1, loaded: 0, queue_len: 1 }],
      recent: [anEnded(1, { worker: 'a/1', model: HOSTILE, reason: HOSTILE, outcome: 'failed' })],
    });
    const { container } = await open(page, state);
    expect(container.textContent).toContain(HOSTILE);
    expect(container.querySelector('img, script, iframe')).toBeNull();
  },
);

test('sorts the table by its headers and exposes the order', async () => {
  await open('workers', aSnapshot({ workers }));
  const names = () =>
    screen.getAllByRole('rowheader').map((cell) => cell.textContent?.trim().split(/\s{2,}/)[0]);
  const head = screen.getByRole('columnheader', { name: t.workers.columns.name });
  await fireEvent.click(within(head).getByRole('button'));
  expect(head.getAttribute('aria-sort')).toBe('ascending');
  const ascending = names();
  await fireEvent.click(within(head).getByRole('button'));
  expect(head.getAttribute('aria-sort')).toBe('descending');
  expect(names()).toEqual(ascending.toReversed());
});

test('drains and resumes workers by ID, whatever characters it has', async () => {
  const { asked } = await open('workers', aSnapshot({ workers }));
  await fireEvent.click(screen.getByText(t.workers.drain));
  await fireEvent.click(screen.getByText(t.workers.undrain));
  await settle();
  expect(asked.filter((call) => call.method === 'POST').map((call) => call.path)).toEqual([
    '/api/state/workers/a%2F1/drain',
    '/api/state/workers/b/undrain',
  ]);
  expect(screen.getByText(t.workers.drained(HOSTILE))).toBeTruthy();
});

test('drains the server only after confirmation', async () => {
  const { asked } = await open('overview', aSnapshot({ workers }));
  const posts = () => asked.filter((call) => call.method === 'POST').map((call) => call.path);
  await fireEvent.click(screen.getByText(t.server.drain));
  expect(posts()).toEqual([]);
  await fireEvent.click(screen.getByText(t.server.cancel));
  await fireEvent.click(screen.getByText(t.server.drain));
  await fireEvent.click(screen.getByText(t.server.confirm));
  await settle();
  expect(posts()).toEqual(['/api/state/drain']);
});

test('cancels a request by its number', async () => {
  const live = [
    {
      id: 'req-9',
      number: 9,
      path: '/v1/x',
      model: null,
      worker: null,
      age_ms: 1,
      state: 'queued',
      tokens: 0,
      bytes: 0,
    },
  ] as Snapshot['live'];
  const { asked } = await open('requests', aSnapshot({ live }));
  await fireEvent.click(screen.getByText(t.requests.cancel));
  await settle();
  expect(asked.at(-1)).toMatchObject({ method: 'POST', path: '/api/state/requests/9/cancel' });
});

test('marks everything as stale and disables actions when the stream drops', async () => {
  const { container } = await open('workers', aSnapshot({ workers }));
  expect(container.querySelector('.stale')).toBeNull();
  wire.cut();
  await settle();
  await vi.advanceTimersByTimeAsync(400);
  expect(screen.getByRole('alert').textContent).toContain('No connection');
  expect(container.querySelector('main.stale')).toBeTruthy();
  expect(screen.getByText(t.workers.drain).closest('button')?.disabled).toBe(true);
});

test.each([
  ['workers', 'llamapool-worker --server-url ws://'],
  ['models', 'llamapool-worker --server-url ws://'],
  ['overview', 'llamapool-worker --server-url ws://'],
  ['requests', '/v1/chat/completions'],
])('the empty page %s explains the next step', async (page, hint) => {
  const { container } = await open(page);
  expect(container.textContent).toContain(hint);
});

test('a problem of the server itself needs attention', async () => {
  const server = { ...aSnapshot().server, problems: ['Logs cannot be written to /logs: no space left'] };
  const { container } = await open('overview', aSnapshot({ server, workers: [aWorker()] }));
  expect(container.textContent).toContain(t.attention.problem);
  expect(container.textContent).toContain('/logs: no space left');
});

const withKeys = (needs_key: boolean, workers_need_key: boolean) =>
  aSnapshot({ server: { ...aSnapshot().server, needs_key, workers_need_key } });

test('a join link with the worker key is fetched and shown only on request', async () => {
  const { asked, container } = await open('connect', withKeys(true, true));
  const fetched = () => asked.filter((call) => call.path === '/api/workers/join-link');
  expect(fetched()).toHaveLength(0);
  expect(container.textContent).not.toContain('llamapool://');
  await fireEvent.click(screen.getByRole('button', { name: t.connect.join.show }));
  await settle();
  expect(fetched()).toHaveLength(1);
  const block = screen.getByRole('region', { name: t.connect.join.title });
  expect(block.textContent).toContain(`server=${location.origin.replace('http', 'ws')}&key=sk-worker`);
  expect(container.textContent).toContain(t.connect.join.secret);
  await fireEvent.click(screen.getByRole('button', { name: t.connect.join.hide }));
  expect(container.textContent).not.toContain('sk-worker');
});

test('a refused join link says why', async () => {
  refusal = 'This API key has the role `viewer`.';
  const { container } = await open('connect', withKeys(true, true));
  await fireEvent.click(screen.getByRole('button', { name: t.connect.join.show }));
  await settle();
  expect(container.textContent).toContain(refusal);
  expect(container.textContent).not.toContain('llamapool://');
});

test('workers without keys get a link without one; a server without API keys gives none', async () => {
  const keyless = await open('connect', withKeys(true, false));
  expect(keyless.container.textContent).toContain('llamapool://join?server=ws://');
  expect(screen.queryByRole('button', { name: t.connect.join.show })).toBeNull();
  cleanup();
  const { container } = await open('connect', withKeys(false, true));
  expect(container.textContent).not.toContain(t.connect.join.title);
});

test('a model that only a vendor serves is labelled, one that a machine also has is not', async () => {
  const facts = { loaded: null, size: null, context: null, quantization: null };
  const row = { workers: 1, loaded: 0, queue_len: 0 };
  const far = { ...facts, name: 'far', remote: true };
  const state = aSnapshot({
    workers: [
      aWorker({ id: 'a', models: [far, { ...far, name: 'both' }] }),
      aWorker({ id: 'b', models: [{ ...facts, name: 'both', remote: false }] }),
    ],
    models: [
      { ...row, name: 'far' },
      { ...row, name: 'both' },
    ],
  });
  await open('models', state);
  const heading = (name: string) => screen.getByText(name).closest('th')!.textContent;
  expect(heading('far')).toContain(t.models.remote);
  expect(heading('both')).not.toContain(t.models.remote);
});
