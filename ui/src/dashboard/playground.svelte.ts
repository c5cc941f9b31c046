// A streamed conversation with one model.

import { ApiError, type Api, type ChatRequest } from './api';

export interface Turn {
  role: 'user' | 'assistant';
  text: string;
  /** The reasoning of a reasoning model. */
  thoughts: string;
  /** The error message, if the turn failed. */
  error: string | null;
  /** Whether the user stopped the response. */
  stopped: boolean;
  figures: Figures | null;
}

export interface Figures {
  firstByteMs: number | null;
  tokens: number;
  /** Whether the runtime reported the count; otherwise it is the number of chunks. */
  exact: boolean;
  perSecond: number | null;
}

/** The fields of a chat chunk that are used here. */
interface Chunk {
  choices?: {
    delta?: { content?: string | null; reasoning_content?: string | null; reasoning?: string | null };
  }[];
  usage?: { completion_tokens?: number } | null;
}

export class Playground {
  turns = $state<Turn[]>([]);
  model = $state('');
  system = $state('');
  temperature = $state<number | null>(null);
  maxTokens = $state<number | null>(null);
  streaming = $state(false);
  #stop: AbortController | null = null;

  constructor(
    private api: Pick<Api, 'chat'>,
    private words: { brokeOff: string },
    private now: () => number = () => performance.now(),
  ) {}

  /** Sends a message. The response grows in the last turn. */
  async send(text: string) {
    if (this.streaming || !text.trim() || !this.model) return;
    this.turns.push(turn('user', text));
    await this.#answer();
  }

  /** Sends the last message again. */
  async again() {
    if (this.streaming || this.turns.at(-1)?.role !== 'assistant') return;
    this.turns.pop();
    await this.#answer();
  }

  stop() {
    this.#stop?.abort();
  }

  clear() {
    this.stop();
    this.turns = [];
  }

  async #answer() {
    const request = this.#request();
    const stop = new AbortController();
    this.#stop = stop;
    this.streaming = true;
    this.turns.push(turn('assistant', ''));
    const answer = this.turns.at(-1)!; // read from the array, so that it is reactive
    try {
      await this.#read(request, stop.signal, answer);
    } catch (error) {
      if (stop.signal.aborted) answer.stopped = true;
      else answer.error = messageOf(error, this.words.brokeOff);
    } finally {
      if (this.#stop === stop) this.streaming = false;
    }
  }

  async #read(request: ChatRequest, signal: AbortSignal, answer: Turn) {
    const asked = this.now();
    const figures: Figures = { firstByteMs: null, tokens: 0, exact: false, perSecond: null };
    let ended = false;
    for await (const event of this.api.chat(request, signal)) {
      if (event.kind === 'error') answer.error = event.message;
      if (event.kind !== 'data') {
        ended = true;
        break;
      }
      const at = this.now();
      figures.firstByteMs ??= at - asked;
      take(JSON.parse(event.data), answer, figures);
      const seconds = (at - asked - figures.firstByteMs) / 1000;
      figures.perSecond = seconds > 0 ? figures.tokens / seconds : null;
      answer.figures = { ...figures };
    }
    if (!ended) answer.error = this.words.brokeOff;
  }

  #request(): ChatRequest {
    const messages = this.turns
      .filter((turn) => turn.text !== '')
      .map(({ role, text }) => ({ role: role as string, content: text }));
    if (this.system.trim()) messages.unshift({ role: 'system', content: this.system });
    const request: ChatRequest = { model: this.model, messages };
    if (this.temperature !== null) request.temperature = this.temperature;
    if (this.maxTokens !== null) request.max_tokens = this.maxTokens;
    return request;
  }
}

function turn(role: Turn['role'], text: string): Turn {
  return { role, text, thoughts: '', error: null, stopped: false, figures: null };
}

function take(chunk: Chunk, answer: Turn, figures: Figures) {
  const delta = chunk.choices?.[0]?.delta;
  const thought = delta?.reasoning_content ?? delta?.reasoning ?? '';
  const text = delta?.content ?? '';
  answer.thoughts += thought;
  answer.text += text;
  if (!figures.exact && (thought || text)) figures.tokens += 1;
  const reported = chunk.usage?.completion_tokens;
  if (reported) {
    figures.tokens = reported;
    figures.exact = true;
  }
}

function messageOf(error: unknown, brokeOff: string): string {
  if (!(error instanceof ApiError)) return brokeOff;
  return error.requestId ? `${error.message} (${error.requestId})` : error.message;
}
