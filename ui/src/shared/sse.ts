// Parses server-sent events from a byte stream as the HTML standard specifies: CR, LF and CRLF end a line,
// wherever the bytes are split.

export interface SseEvent {
  /** `message` if the event has no name. */
  event: string;
  data: string;
  /** The last event ID. */
  id: string;
}

/** Maximum length of a line. A full snapshot is far smaller. */
const MAX_PENDING = 32 * 1024 * 1024;

export class SseParser {
  #decoder = new TextDecoder();
  #line = '';
  #afterCr = false;
  #event = '';
  #data: string[] = [];
  #id = '';

  /** Adds bytes and returns the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    const events: SseEvent[] = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char === '\n' && this.#afterCr) {
        this.#afterCr = false;
        from = at + 1;
        continue;
      }
      this.#afterCr = char === '\r';
      if (char !== '\n' && char !== '\r') continue;
      this.#endLine(this.#line + text.slice(from, at), events);
      this.#line = '';
      from = at + 1;
    }
    this.#line += text.slice(from);
    if (this.#line.length > MAX_PENDING) throw new Error('The event stream has a line without an end');
    return events;
  }

  #endLine(line: string, events: SseEvent[]) {
    if (line === '') return this.#dispatch(events);
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(events: SseEvent[]) {
    if (this.#data.length > 0) {
      events.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
    }
    this.#event = '';
    this.#data = [];
  }
}
