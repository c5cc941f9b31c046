// Code snippets to copy. Model names are untrusted, so they are quoted for each language.

/** Placeholder for the key. */
export const KEY_PLACEHOLDER = 'YOUR_API_KEY';
export const WORKER_KEY_PLACEHOLDER = 'YOUR_CLIENT_KEY';

export interface Target {
  /** The page's origin, such as `https://pool.example`. */
  origin: string;
  model: string;
  needsKey: boolean;
}

const QUESTION = 'Why do llamas hum?';

/** Quotes text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A string literal that is valid in JavaScript and Python, ASCII only. */
export function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function curl({ origin, model, needsKey }: Target): string {
  const body = `{
    "model": ${literal(model)},
    "stream": true,
    "messages": [{"role": "user", "content": ${literal(QUESTION)}}]
  }`;
  return [
    `curl -N ${origin}/v1/chat/completions \\`,
    ...(needsKey ? [`  -H 'Authorization: Bearer ${KEY_PLACEHOLDER}' \\`] : []),
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${shellQuote(body)}`,
  ].join('\n');
}

export function python({ origin, model, needsKey }: Target): string {
  return `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="${needsKey ? KEY_PLACEHOLDER : 'none'}")
stream = client.chat.completions.create(
    model=${literal(model)},
    messages=[{"role": "user", "content": ${literal(QUESTION)}}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`;
}

export function node({ origin, model, needsKey }: Target): string {
  return `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: "${needsKey ? KEY_PLACEHOLDER : 'none'}" });
const stream = await client.chat.completions.create({
  model: ${literal(model)},
  messages: [{ role: "user", content: ${literal(QUESTION)} }],
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}`;
}

/** The address that workers connect to: `wss://` if the page was loaded over TLS. */
export function workerAddress(origin: string): string {
  return origin.replace(/^http/, 'ws');
}

/** A join link for workers that need no key. */
export function joinLink(origin: string): string {
  return `llamapool://join?server=${workerAddress(origin)}`;
}

/** The server's join link with the address of this page, which works, whereas a proxy may hide it from the server. */
export function joinLinkFrom(link: string, origin: string): string {
  return link.replace(/(?<=[?&]server=)[^&]*/, () => workerAddress(origin));
}

/** The command that starts a worker. */
export function worker(origin: string, needsKey: boolean, shell: 'posix' | 'powershell'): string {
  const run = `llamapool-worker --server-url ${workerAddress(origin)}`;
  if (!needsKey) return run;
  // In the environment, so that other users of the machine cannot see the key.
  return shell === 'posix'
    ? `CLIENT_KEY=${WORKER_KEY_PLACEHOLDER} ${run}`
    : `$env:CLIENT_KEY = "${WORKER_KEY_PLACEHOLDER}"; ${run}`;
}
