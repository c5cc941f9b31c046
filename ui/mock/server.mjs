// A mock server for the dashboard: `npm run build && npm run mock -- [mode] [port]`.
//
// Modes: lively (default), empty, one (a worker, no requests yet), nomodels, busy, draining, dropping (the stream
// breaks every eight seconds), key (requires `secret`), open (no keys), down (the API returns 503).

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chat } from './chat.mjs';
import { MockPool } from './pool.mjs';

const MODE = process.argv[2] ?? 'lively';
const PORT = Number(process.argv[3] ?? 8099);
const BUILT = fileURLToPath(new URL('../dist/dashboard/', import.meta.url));
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** Milliseconds between events: at most four per second. */
const PACE_MS = 250;

const pool = new MockPool(MODE);
const readers = new Set();

setInterval(() => {
  pool.tick();
  if (readers.size === 0) return;
  const update = pool.snapshot(false);
  pool.published();
  for (const reader of readers) send(reader, 'update', update);
}, PACE_MS);

function send(response, event, snapshot) {
  response.write(`event: ${event}\nid: ${snapshot.version}\ndata: ${JSON.stringify(snapshot)}\n\n`);
}

function json(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(value === undefined ? undefined : JSON.stringify(value));
}

const refuse = (response, status, message) =>
  json(response, status, { error: { message, type: 'invalid_request_error' } });

function stream(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  send(response, 'snapshot', pool.snapshot(true));
  readers.add(response);
  response.on('close', () => readers.delete(response));
  if (MODE === 'dropping') setTimeout(() => response.destroy(), 8_000);
}

function act(path, response) {
  const [, id, verb] = path.match(/^\/api\/state\/workers\/([^/]+)\/(drain|undrain)$/) ?? [];
  if (id) {
    const known = pool.drain(decodeURIComponent(id), verb === 'drain');
    return known ? json(response, 204) : refuse(response, 404, `No worker has the id ${id}`);
  }
  const number = path.match(/^\/api\/state\/requests\/(\d+)\/cancel$/)?.[1];
  if (number)
    return pool.cancel(Number(number))
      ? json(response, 204)
      : refuse(response, 404, 'That request has ended');
  if (path === '/api/state/drain') {
    pool.state = 'draining';
    return json(response, 204);
  }
  return refuse(response, 404, `There is no ${path}`);
}

async function asset(path, response) {
  const name = path === '/' || path === '/state' ? 'index.html' : normalize(path.replace(/^\/state\//, ''));
  if (name.startsWith('..')) return refuse(response, 404, 'No');
  try {
    const body = await readFile(join(BUILT, name));
    response.writeHead(200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Content-Security-Policy': CSP,
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(body);
  } catch {
    refuse(response, 404, `There is no ${path}`);
  }
}

async function read(request) {
  let body = '';
  for await (const part of request) body += part;
  return body;
}

createServer(async (request, response) => {
  const path = new URL(request.url, 'http://mock').pathname;
  if (!/^\/(api|v1)\//.test(path)) return asset(path, response);
  if (MODE === 'down') return refuse(response, 503, 'The server is away');
  if (MODE === 'key' && request.headers.authorization !== 'Bearer secret')
    return refuse(response, 401, 'Wrong key');
  if (path === '/api/state/stream') return stream(response);
  if (path === '/api/state') return json(response, 200, pool.snapshot(true));
  if (path === '/api/workers/join-link')
    return json(response, 200, { link: `llamapool://join?server=ws://${request.headers.host}&key=sk-mock` });
  if (path === '/v1/models')
    return json(response, 200, {
      object: 'list',
      data: pool.snapshot(true).models.map(({ name }) => ({ id: name })),
    });
  if (path === '/v1/chat/completions') return chat(request, response, await read(request));
  if (request.method === 'POST') return act(path, response);
  return refuse(response, 404, `There is no ${path}`);
}).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/ (${MODE})`));
