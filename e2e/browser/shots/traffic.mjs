// Traffic of a typical household over some minutes.

import { API_KEY } from './programs.mjs';

/** Model, relative frequency, tokens per response. */
const MODELS = [
  ['llama3.2:3b', 5, 120],
  ['qwen2.5-coder:32b', 6, 420],
  ['gpt-oss:20b', 2, 300],
  ['mistral-small:24b', 2, 160],
  ['nomic-embed-text', 2, 1],
];
const TICK_MS = 250;
/** How often a scanner of the internet sends a request without a key, per tick. */
const SCANS = 0.01;

/** Sends requests until `stop` is called. */
export function traffic(origin) {
  let minutes = 0;
  const timer = setInterval(() => {
    minutes += TICK_MS / 60_000;
    const tide = 1.4 + Math.sin(minutes * 1.1) + 0.4 * Math.sin(minutes * 4.3);
    if (Math.random() < tide * 0.18) void ask(origin, minutes);
    if (Math.random() < SCANS) void fetch(`${origin}/v1/models`).catch(() => null);
  }, TICK_MS);
  return { stop: () => clearInterval(timer) };
}

async function ask(origin, minutes) {
  const [model, , length] = pick(MODELS);
  const dice = Math.random();
  // Sometimes a model is unknown, a runtime runs out of memory, or a client gives up.
  const asked = dice < 0.02 ? 'llama9' : model;
  const fails = minutes % 6 > 4.5 && model === 'gpt-oss:20b';
  const leave = new AbortController();
  if (dice > 0.97) setTimeout(() => leave.abort(), 900);
  const stream = model !== 'nomic-embed-text';
  const tokens = Math.max(1, Math.round(length * (0.4 + 1.2 * Math.random())));
  try {
    const response = await fetch(`${origin}/v1/${stream ? 'chat/completions' : 'embeddings'}`, {
      method: 'POST',
      signal: leave.signal,
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        model: asked,
        stream,
        tokens,
        fails,
        input: 'hum',
        messages: [{ role: 'user', content: 'hum' }],
      }),
    });
    await response.arrayBuffer();
  } catch {
    // The client gave up, or the server stopped.
  }
}

function pick(models) {
  let dice = Math.random() * models.reduce((sum, [, often]) => sum + often, 0);
  return models.find(([, often]) => (dice -= often) < 0) ?? models[0];
}
