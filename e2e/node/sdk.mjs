// What a program that uses the official OpenAI SDK for Node does, and what it must get.
//
// BASE_URL   ending in /v1. EMBED_URL: the same where it is elsewhere (llama.cpp without a pool)
// API_KEY    the right key
// GATEWAY    empty: skip what only a pool answers (keys, unknown models)
//
// Prints one line for each check; the exit code is 1 if one failed.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { VERSION } from "openai/version";

const { BASE_URL, EMBED_URL = BASE_URL, API_KEY = "none", GATEWAY } = process.env;
const messages = [{ role: "user", content: "What does the llama eat? é中🦙" }];
// A token of the tiny model takes about 0.2 ms: long enough to abort, short enough to end by itself.
const LONG = 12000;

const client = (baseURL = BASE_URL, apiKey = API_KEY) => new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const collect = async (stream) => {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
};

const checks = {
  async modelsAreListed() {
    const ids = (await collect(await client().models.list())).map((model) => model.id);
    assert.ok(ids.includes("tiny-chat"), ids.join());
  },

  async chat() {
    const answer = await client().chat.completions.create({ model: "tiny-chat", messages, max_tokens: 12 });
    assert.ok(answer.choices[0].message.content.trim());
    assert.equal(answer.usage.completion_tokens, 12);
  },

  async chatStreams() {
    const ask = { model: "tiny-chat", messages, max_tokens: 30, temperature: 0, seed: 1 };
    const whole = (await client().chat.completions.create(ask)).choices[0].message.content;
    const stream = { stream: true, stream_options: { include_usage: true } };
    const chunks = await collect(await client().chat.completions.create({ ...ask, ...stream }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), whole);
    assert.ok(chunks.length > 20);
    assert.equal(chunks.at(-1).usage.completion_tokens, 30);
  },

  async completion() {
    const answer = await client().completions.create({ model: "tiny-chat", prompt: "the llama", max_tokens: 8 });
    assert.ok(answer.choices[0].text);
  },

  async embeddings() {
    // Without a format the SDK asks for base64 and decodes it itself.
    const ask = { model: "tiny-embed", input: ["the llama", "a hill"] };
    const byDefault = (await client(EMBED_URL).embeddings.create(ask)).data;
    const floats = (await client(EMBED_URL).embeddings.create({ ...ask, encoding_format: "float" })).data;
    assert.equal(byDefault[0].embedding.length, 64);
    byDefault[1].embedding.forEach((one, at) => assert.ok(Math.abs(one - floats[1].embedding[at]) < 1e-6));
  },

  async responses() {
    const ask = { model: "tiny-chat", input: "the llama", max_output_tokens: 12 };
    const answer = await client().responses.create(ask);
    assert.ok(answer.output_text.trim());
    const events = await collect(await client().responses.create({ ...ask, stream: true }));
    assert.equal(events[0].type, "response.created");
    assert.equal(events.at(-1).type, "response.completed");
  },

  async malformedIsBadRequestError() {
    const ask = client().chat.completions.create({ model: "tiny-chat", messages: "no list" });
    await assert.rejects(ask, (error) => error instanceof OpenAI.BadRequestError && error.type === "invalid_request_error");
  },

  async abortedStreamEnds() {
    const stop = new AbortController();
    const ask = { model: "tiny-chat", messages, max_tokens: LONG, stream: true };
    const stream = await client().chat.completions.create(ask, { signal: stop.signal });
    let seen = 0;
    for await (const _ of stream) if (++seen === 5) stop.abort();
    assert.ok(seen < LONG / 2, `${seen} chunks after the abort`);
    const answer = await client().chat.completions.create({ model: "tiny-chat", messages, max_tokens: 3 });
    assert.equal(answer.usage.completion_tokens, 3);
  },
};

const gatewayChecks = {
  async modelIsRetrieved() {
    const model = await client().models.retrieve("tiny-chat");
    assert.equal(model.id, "tiny-chat");
    assert.ok(model.created > 1_500_000_000 && model.owned_by);
  },

  async wrongKeyIsAuthenticationError() {
    const ask = client(BASE_URL, "wrong").models.list();
    await assert.rejects(ask, (error) => error instanceof OpenAI.AuthenticationError && error.type === "authentication_error");
  },

  async unknownModelIsNotFoundError() {
    const isUnknown = (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found" && Boolean(error.requestID);
    await assert.rejects(client().chat.completions.create({ model: "no-such-model", messages }), isUnknown);
    await assert.rejects(client().models.retrieve("no/such"), isUnknown);
  },
};

const failed = [];
for (const [name, check] of Object.entries({ ...checks, ...(GATEWAY ? gatewayChecks : {}) })) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed.push(name);
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
console.log(JSON.stringify({ sdk: VERSION, failed }));
process.exit(failed.length ? 1 : 0);
