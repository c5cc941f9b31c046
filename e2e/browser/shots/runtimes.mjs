// Fake runtimes of several kinds, with the endpoints that a worker uses: version, models, and responses at a realistic speed.

import { createServer } from 'node:http';

const ANSWER =
  'Llamas hum to stay in touch with their herd. A soft, steady hum means “here I am”; a higher one asks “where are you?”. ' +
  'Mothers hum to their crias from the first hour on, so that the two know each other by voice.\n\n' +
  'You will mostly hear it when something is new to them:\n\n1. somebody leaves the herd,\n2. a gate is open that was closed,\n3. dinner is late.';
const GIGABYTE = 1e9;

const model = (name, gigabytes, quantization, context, loaded = false) => ({
  name,
  gigabytes,
  quantization,
  context,
  loaded,
});
export const SMALL = (loaded) => model('llama3.2:3b', 2.02, 'Q4_K_M', 131_072, loaded);
export const CODER = (loaded) => model('qwen2.5-coder:32b', 19.85, 'Q4_K_M', 32_768, loaded);
export const OSS = (loaded) => model('gpt-oss:20b', 13.78, 'MXFP4', 131_072, loaded);
export const MISTRAL = (loaded) => model('mistral-small:24b', 14.33, 'Q4_K_M', 131_072, loaded);
export const EMBED = (loaded) => model('nomic-embed-text', 0.27, 'F16', 2_048, loaded);

/**
 * Starts a runtime on loopback, on a free port unless one is given. `url` is its address.
 * `models` are `{ name, gigabytes, quantization, context, loaded }`, `speed` is in tokens per second, `patience` in milliseconds to the first.
 */
export async function runtime({ kind, version, models, speed, patience }, port = 0) {
  const pages = { ollama, lm_studio: lmStudio, vllm, llama_cpp: llamaCpp }[kind]({ version, models });
  const server = createServer(async (request, response) => {
    const path = request.url;
    if (request.method !== 'POST') return found(response, kind, pages[path]);
    let body = '';
    for await (const part of request) body += part;
    answer(JSON.parse(body), response, { speed, patience });
  });
  await new Promise((listening, taken) => server.on('error', taken).listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => server.close(),
  };
}

function found(response, kind, page) {
  const headers = {
    'Content-Type': 'application/json',
    ...(kind === 'llama_cpp' ? { Server: 'llama.cpp' } : {}),
  };
  response.writeHead(page ? 200 : 404, headers);
  response.end(JSON.stringify(page ?? { error: 'not found' }));
}

const listing = (models, owner) => ({
  object: 'list',
  data: models.map(({ name, context }) => ({
    id: name,
    object: 'model',
    owned_by: owner,
    max_model_len: context,
  })),
});

function ollama({ version, models }) {
  const tag = ({ name, gigabytes, quantization, context }) => ({
    name,
    size: gigabytes * GIGABYTE,
    details: { quantization_level: quantization },
    context_length: context,
  });
  return {
    '/v1/models': listing(models, 'library'),
    '/api/version': { version },
    '/api/tags': { models: models.map(tag) },
    '/api/ps': { models: models.filter(({ loaded }) => loaded).map(tag) },
  };
}

function lmStudio({ models }) {
  const entry = ({ name, quantization, context, loaded }) => ({
    id: name,
    state: loaded ? 'loaded' : 'not-loaded',
    quantization,
    loaded_context_length: loaded ? context : undefined,
    max_context_length: context,
  });
  return {
    '/v1/models': listing(models, 'organization_owner'),
    '/api/v0/models': { data: models.map(entry) },
  };
}

const vllm = ({ version, models }) => ({
  '/v1/models': listing(models, 'vllm'),
  '/version': { version },
  '/health': {},
});

function llamaCpp({ version, models }) {
  const [{ context, quantization }] = models;
  const props = {
    build_info: version,
    model_ftype: quantization,
    default_generation_settings: { n_ctx: context },
  };
  return {
    '/v1/models': listing(models, 'llamacpp'),
    '/props': props,
    '/health': { status: 'ok' },
  };
}

/** Responds with `tokens` tokens if the request has that field, otherwise with the whole text. */
function answer({ model, stream, tokens, fails }, response, { speed, patience }) {
  if (fails) {
    response.writeHead(500, { 'Content-Type': 'application/json' });
    const message = `CUDA error: out of memory while loading ${model}`;
    response.end(JSON.stringify({ error: { message, type: 'server_error' } }));
    return;
  }
  const words = ANSWER.match(/\s*\S+/g);
  const count = tokens ?? words.length;
  const usage = {
    prompt_tokens: 24 + (count % 300),
    completion_tokens: count,
    total_tokens: 24 + (count % 300) + count,
  };
  response.writeHead(200, {
    'Content-Type': stream ? 'text/event-stream' : 'application/json',
  });
  if (!stream) {
    setTimeout(
      () => response.end(JSON.stringify({ model, choices: [], usage })),
      patience + (count * 1000) / speed,
    );
    return;
  }
  let sent = 0;
  const say = (data) => response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  const more = () => {
    if (sent === count) {
      say({ choices: [], usage });
      response.end('data: [DONE]\n\n');
      return;
    }
    say({
      model,
      choices: [{ index: 0, delta: { content: words[sent++ % words.length] } }],
    });
    next = setTimeout(more, 1000 / speed);
  };
  let next = setTimeout(more, patience * (0.6 + Math.random()));
  response.on('close', () => clearTimeout(next));
}
