// The log as it is watched: the last lines, which of them are shown, and where the search stands.

import type { LogBatch } from './bindings/LogBatch';
import type { LogLine } from './bindings/LogLine';
import type { Problem } from './bindings/Problem';
import { api, on } from './api';
import { clock } from '../shared/format';
import type { Level } from './types';

/** As many as the app keeps itself. */
export const MOST_LINES = 5_000;

/** From what must be looked at to what nobody reads. */
export const LEVELS: Level[] = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

export class LogTail {
  /** All lines, but for those that came since it was paused. */
  lines = $state.raw<LogLine[]>([]);
  /** Lines that came since it was paused. */
  held = $state.raw<LogLine[]>([]);
  paused = $state(false);
  level = $state<Level>('TRACE');
  wanted = $state('');
  /** Which of the matches is the current one. */
  at = $state(0);
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  #next = 0;
  /** What came before the lines that were there already. */
  #early: LogBatch[] = [];

  readonly shown: LogLine[] = $derived.by(() => {
    const least = LEVELS.indexOf(this.level);
    if (least === LEVELS.length - 1) return this.lines;
    return this.lines.filter((line) => LEVELS.indexOf(line.level) <= least);
  });
  /** Positions in `shown` of lines with the words that are looked for. */
  readonly matches: number[] = $derived.by(() => {
    const wanted = this.wanted.trim().toLowerCase();
    if (wanted === '') return [];
    return this.shown.flatMap((line, i) => (textOf(line).toLowerCase().includes(wanted) ? [i] : []));
  });
  /** The position in `shown` of the current match. */
  readonly current: number | null = $derived(
    this.matches[Math.min(this.at, this.matches.length - 1)] ?? null,
  );

  /** Follows the log until the returned function is called. */
  start(): () => void {
    const listening = on({ log: (batch) => (this.loaded ? this.#take(batch) : this.#early.push(batch)) });
    void this.#begin(listening.ready);
    return listening.stop;
  }

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.lines = last([...this.lines, ...this.held]);
    this.held = [];
  }

  find(words: string) {
    this.wanted = words;
    this.at = Math.max(0, this.matches.length - 1); // the latest
  }

  /** To the next or the previous match, and around the end. */
  step(by: 1 | -1) {
    const all = this.matches.length;
    if (all > 0) this.at = (Math.min(this.at, all - 1) + by + all) % all;
  }

  async #begin(ready: Promise<void>) {
    try {
      await ready;
      this.#take(await api.logs(null));
    } catch (problem) {
      this.problem = problem as Problem;
    }
    this.loaded = true;
    this.#early.splice(0).forEach((batch) => this.#take(batch));
  }

  /** Batches may overlap: a line is taken once. */
  #take({ lines, next }: LogBatch) {
    const fresh = lines.filter((line) => line.seq >= this.#next);
    this.#next = Math.max(this.#next, next, (fresh.at(-1)?.seq ?? -1) + 1);
    if (fresh.length === 0) return;
    if (this.paused) this.held = last([...this.held, ...fresh]);
    else this.lines = last([...this.lines, ...fresh]);
  }
}

const last = (lines: LogLine[]) => (lines.length > MOST_LINES ? lines.slice(-MOST_LINES) : lines);

/** What is searched and copied of a line. */
export function textOf({ at, level, target, message, fields }: LogLine): string {
  return [clock(at), level.padEnd(5), `${target}:`, message, fields].filter(Boolean).join(' ');
}
