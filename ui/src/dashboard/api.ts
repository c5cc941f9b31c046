// The only file that talks to the server: all API calls and their errors.

import type { Snapshot } from '../bindings/Snapshot';
import type { SnapshotChanges } from '../bindings/SnapshotChanges';
import { SseParser, type SseEvent } from '../shared/sse';

/** An error response of the server, with its message. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

/** An event of the state stream: a state, or only a sign of life. */
export type StateEvent =
  | { kind: 'snapshot'; snapshot: Snapshot }
  | { kind: 'update'; update: Snapshot | SnapshotChanges }
  | { kind: 'alive' };

export interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
  temperature?: number;
  max_tokens?: number;
}

/** One event of a chat stream. `end` stands for the server's own end mark. */
export type ChatEvent = { kind: 'data'; data: string } | { kind: 'error'; message: string } | { kind: 'end' };

export class Api {
  constructor(private key: () => string | null) {}

  /** Yields the state now and on each change, until the stream ends or `signal` aborts it. */
  async *state(signal: AbortSignal): AsyncGenerator<StateEvent> {
    const response = await this.#call('GET', '/api/state/stream?only=changes', { signal });
    for await (const events of sse(response)) {
      yield { kind: 'alive' };
      for (const { event, data } of events) {
        if (event === 'snapshot') yield { kind: event, snapshot: JSON.parse(readable(data)) };
        if (event === 'update') yield { kind: event, update: JSON.parse(readable(data)) };
      }
    }
  }

  drainWorker = (id: string) => this.#call('POST', `/api/state/workers/${encodeURIComponent(id)}/drain`);
  undrainWorker = (id: string) => this.#call('POST', `/api/state/workers/${encodeURIComponent(id)}/undrain`);
  cancelRequest = (number: number) => this.#call('POST', `/api/state/requests/${number}/cancel`);
  drainServer = () => this.#call('POST', '/api/state/drain');

  /** A link with which the desktop app joins this pool. It contains a worker key. */
  async joinLink(): Promise<string> {
    const response = await this.#call('GET', '/api/workers/join-link');
    const { link }: { link: string } = await response.json();
    return link;
  }

  /** Names of the available models. */
  async models(): Promise<string[]> {
    const response = await this.#call('GET', '/v1/models');
    const list: { data?: { id?: unknown }[] } = await response.json();
    return (list.data ?? []).map((model) => String(model.id));
  }

  /** Streams a chat. Errors before the stream starts are thrown; errors in the stream are events. */
  async *chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const body = JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } });
    const response = await this.#call('POST', '/v1/chat/completions', { body, signal });
    for await (const events of sse(response)) {
      for (const event of events) {
        const read = chatEvent(event);
        yield read;
        if (read.kind !== 'data') return;
      }
    }
  }

  async #call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers();
    const key = this.key();
    if (key) headers.set('Authorization', `Bearer ${key}`);
    if (init.body) headers.set('Content-Type', 'application/json');
    const response = await fetch(path, { ...init, method, headers, cache: 'no-store', credentials: 'omit' });
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/**
 * Workers choose their own names. Characters that change the direction of the surrounding text (Unicode UAX #9) are
 * replaced, so that they have no effect.
 */
function readable(text: string): string {
  return text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

async function* sse(response: Response): AsyncGenerator<SseEvent[]> {
  const type = response.headers.get('Content-Type') ?? '';
  if (!response.body || !type.startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw new ApiError(response.status, `Expected an event stream, got ${type || 'nothing'}`);
  }
  const parser = new SseParser();
  const reader = response.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      yield parser.push(part.value);
  } finally {
    await reader.cancel().catch(() => undefined); // the stream is already closed
  }
}

function chatEvent({ event, data }: SseEvent): ChatEvent {
  if (data === '[DONE]') return { kind: 'end' };
  const message = errorMessage(data);
  if (message !== null) return { kind: 'error', message };
  return event === 'error' ? { kind: 'error', message: data } : { kind: 'data', data };
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const message = errorMessage(text) ?? `${response.status} ${response.statusText}`.trim();
  return new ApiError(response.status, message, response.headers.get('X-Request-Id'));
}

/** The message of an OpenAI-style error, or null if `text` is not one. */
function errorMessage(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } | string | null };
    if (!error) return null;
    return typeof error === 'string' ? error : String(error.message ?? JSON.stringify(error));
  } catch {
    return null;
  }
}
