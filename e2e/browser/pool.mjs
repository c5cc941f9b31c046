// The pool of a test: actions of the Rust side (src/stage.rs), and requests of other clients.

import { createInterface } from 'node:readline';

export const ORIGIN = process.env.ORIGIN;
export const API_KEY = process.env.API_KEY;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Sends a command to the Rust side; resolves when it is done. */
async function wish(name, facts = {}) {
  process.stdout.write(`${JSON.stringify({ wish: name, ...facts })}\n`);
  const { value, done } = await answers.next();
  if (done) throw new Error(`the stage has closed before it granted ${name}`);
  return JSON.parse(value).ok;
}

export const pool = {
  /** Starts a worker with its own runtime, which has these models. */
  async join(name, models, slots) {
    const llm = await wish('join', { name, models, slots });
    return {
      step: (n = 1) => wish('step', { llm, n }),
      open: (n) => wish('open', { llm, n }),
      seen: () => wish('seen', { llm }),
      always: (script) => wish('always', { llm, script }),
      leave: () => wish('leave', { llm }),
    };
  },
  impostor: (hello, report) => wish('impostor', { hello, report }),
  killServer: () => wish('kill_server'),
  startServer: () => wish('start_server'),
  serverEnds: () => wish('server_ends'),
  async state() {
    const response = await fetch(`${ORIGIN}/api/state`, {
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    return response.json();
  },
};

/** Scripts for the fake runtime, sent in a request: see src/fake_llm/script.rs. */
export const script = {
  /** Tokens, one per step, and a last step for the end. */
  stepped: (tokens) => ({ stream: { tokens, pace: 'stepped', end: 'clean' } }),
  dying: (tokens) => ({ stream: { tokens, pace: 'flat_out', end: 'die' } }),
  hang: 'hang_before_head',
  slam: 'slam',
  /** A complete response with this usage. */
  usage: (tokensIn, tokensOut) =>
    chunks('application/json', [JSON.stringify({ choices: [], usage: used(tokensIn, tokensOut) })]),
  /** The same as a stream, one chunk per step. */
  streamed: (tokensIn, tokensOut, pace = 'flat_out') =>
    chunks(
      'text/event-stream',
      [
        event({ choices: [{ delta: { content: 'Hello' } }] }),
        event({ choices: [], usage: used(tokensIn, tokensOut) }),
        'data: [DONE]\n\n',
      ],
      pace,
    ),
  chunks,
  event,
};

const used = (tokensIn, tokensOut) => ({
  prompt_tokens: tokensIn,
  completion_tokens: tokensOut,
  total_tokens: tokensIn + tokensOut,
});

function event(data) {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function chunks(type, texts, pace = 'flat_out') {
  const bytes = texts.map((text) => [...Buffer.from(text)]);
  return { chunks: { content_type: type, chunks: bytes, pace, end: 'clean' } };
}

/**
 * A chat request of another client. `head` resolves with status and headers, `whole` at the end, and `leave` closes the connection.
 * Both promises resolve with the outcome and never reject.
 */
export function chat(model, does, { id, key = API_KEY } = {}) {
  const leave = new AbortController();
  const begun = performance.now();
  const asked = fetch(`${ORIGIN}/api/v1/chat/completions`, {
    method: 'POST',
    signal: leave.signal,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(id ? { 'x-request-id': id } : {}),
    },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'hi' }],
      script: does,
    }),
  });
  const head = asked.then(
    (response) => ({
      status: response.status,
      worker: response.headers.get('x-llamapool-worker'),
    }),
    (error) => ({ error }),
  );
  const whole = (async () => {
    try {
      const response = await asked;
      const text = await response.text();
      return { ...(await head), text, took: performance.now() - begun };
    } catch (error) {
      return { ...(await head), error, took: performance.now() - begun };
    }
  })();
  return { head, whole, leave: () => leave.abort() };
}
