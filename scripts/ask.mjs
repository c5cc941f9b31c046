// Sends one streaming chat request through the server and prints the response as it arrives.
// Usage: node scripts/ask.mjs http://127.0.0.1:8080 QUESTION FILE
// The model is $MODEL, or else the first chat model; its name is written to FILE.
// Exits 3 if there is no chat model, 1 if no model responds.

import { writeFileSync } from 'node:fs';

const [server, question, modelFile] = process.argv.slice(2);
const isTerminal = process.stdout.isTTY && !process.env.NO_COLOR;
const dim = (text) => (isTerminal ? `\x1b[2m${text}\x1b[22m` : text);

/** Some small models never stop. Reasoning models need room to think first. */
const MAX_TOKENS = 400;
/** Number of models to try: loading each can take minutes. */
const MAX_TRIES = 3;
/** Models that cannot chat, recognised by name: the model list has no other information. */
const NOT_FOR_CHAT = /embed|minilm|rerank|whisper|(^|[/-])(bge|gte|e5)-|[-:]tts|clip-|stable-diffusion|flux/i;

async function modelsToTry() {
  if (process.env.MODEL) return [process.env.MODEL];
  const response = await fetch(`${server}/v1/models`);
  if (!response.ok) throw new Error(`${server}/v1/models returned ${response.status}`);
  const ids = (await response.json()).data.map((model) => model.id);
  return ids.filter((id) => !NOT_FOR_CHAT.test(id)).slice(0, MAX_TRIES);
}

/** Parses the `data:` lines of a server-sent event stream. */
async function* events(body) {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      const data = line.startsWith('data:') ? line.slice(5).trim() : '';
      if (data === '[DONE]') return;
      if (data) yield JSON.parse(data);
    }
  }
  throw new Error('the stream ended too early');
}

/** The message of an OpenAI-style error, or else the text itself. */
function reason(text) {
  try {
    return JSON.parse(text).error.message;
  } catch {
    return text;
  }
}

async function ask(model) {
  const response = await fetch(`${server}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: MAX_TOKENS,
      messages: [{ role: 'user', content: question }],
    }),
  });
  if (!response.ok) throw new Error(`${response.status} ${reason(await response.text())}`);
  let isThinking = false;
  for await (const event of events(response.body)) {
    if (event.error) throw new Error(event.error.message ?? JSON.stringify(event.error));
    const delta = event.choices?.[0]?.delta ?? {};
    const thought = delta.reasoning_content ?? delta.reasoning;
    if (thought) process.stdout.write(dim(thought));
    if (delta.content && isThinking) process.stdout.write('\n\n');
    if (delta.content) process.stdout.write(delta.content);
    isThinking = Boolean(thought) || (isThinking && !delta.content);
  }
  process.stdout.write('\n');
}

async function firstAnswer(models) {
  for (const model of models) {
    process.stdout.write(dim(`${model}: `));
    try {
      await ask(model);
      writeFileSync(modelFile, model);
      return true;
    } catch (error) {
      process.stdout.write(`\n${model} failed: ${error.message}\n`);
    }
  }
  return false;
}

const models = await modelsToTry();
if (models.length === 0) process.exitCode = 3;
else if (!(await firstAnswer(models))) process.exitCode = 1;
