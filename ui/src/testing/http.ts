// A scripted server that replaces `fetch`.

import { vi } from 'vitest';

const bytes = new TextEncoder();

export interface Asked {
  path: string;
  method: string;
  authorization: string | null;
  body: string | null;
}

export interface Wire {
  say(text: string): void;
  end(): void;
  /** Breaks the connection. */
  cut(): void;
}

/** An open stream and its server side. */
export function aStream(signal?: AbortSignal | null): { response: Response; wire: Wire } {
  let control!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (control = controller) });
  signal?.addEventListener('abort', () => control.error(signal.reason));
  const response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  return {
    response,
    wire: {
      say: (text) => control.enqueue(bytes.encode(text)),
      end: () => control.close(),
      cut: () => control.error(new TypeError('network error')),
    },
  };
}

export function anError(status: number, message: string): Response {
  return new Response(JSON.stringify({ error: { message, type: 'x' } }), {
    status,
    headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'req-1' },
  });
}

/** Answers every call with `answer` until the test ends. Returns the recorded calls. */
export function serve(answer: (asked: Asked, signal: AbortSignal | null) => Response): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const call: Asked = {
      path,
      method: init.method ?? 'GET',
      authorization: new Headers(init.headers).get('Authorization'),
      body: typeof init.body === 'string' ? init.body : null,
    };
    asked.push(call);
    return answer(call, init.signal ?? null);
  });
  return asked;
}

/** Runs everything that is due now. */
export async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  await vi.advanceTimersByTimeAsync(0);
}
