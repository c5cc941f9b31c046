// The state of the Logs view: last lines, filter and search.

import type { LogBatch } from './bindings/LogBatch';
import type { LogLine } from './bindings/LogLine';
import type { Problem } from './bindings/Problem';
import { api, on } from './api';
import { clock } from '../shared/format';
import type { Level } from './types';

/** The app keeps the same number. */
export const MOST_LINES = 5_000;

/** From the most to the least severe. */
export const LEVELS: Level[] = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

export class LogTail {
  /** All lines, except those that arrived during a pause. */
  lines = $state.raw<LogLine[]>([]);
  /** Lines that arrived during the pause. */
  held = $state.raw<LogLine[]>([]);
  paused = $state(false);
  level = $state<Level>('TRACE');
  wanted = $state('');
  /** Index of the current match. */
  at = $state(0);
  problem = $state.raw<Problem | null>(null);
  loaded = $state(false);
  #next = 0;
  /** Batches that arrived before the existing lines were loaded. */
  #early: LogBatch[] = [];

  readonly shown: LogLine[] = $derived.by(() => {
    const least = LEVELS.indexOf(this.level);
    if (least === LEVELS.length - 1) return this.lines;
    return this.lines.filter((line) => LEVELS.indexOf(line.level) <= least);
  });
  /** Indexes in `shown` of lines that match the search. */
  readonly matches: number[] = $derived.by(() => {
    const wanted = this.wanted.trim().toLowerCase();
    if (wanted === '') return [];
    return this.shown.flatMap((line, i) => (textOf(line).toLowerCase().includes(wanted) ? [i] : []));
  });
  /** Index in `shown` of the current match. */
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

  /** Moves to the next or previous match, and wraps around. */
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

  /** Batches may overlap. Each line is added once. */
  #take({ lines, next }: LogBatch) {
    const fresh = lines.filter((line) => line.seq >= this.#next);
    this.#next = Math.max(this.#next, next, (fresh.at(-1)?.seq ?? -1) + 1);
    if (fresh.length === 0) return;
    if (this.paused) this.held = last([...this.held, ...fresh]);
    else this.lines = last([...this.lines, ...fresh]);
  }
}

const last = (lines: LogLine[]) => (lines.length > MOST_LINES ? lines.slice(-MOST_LINES) : lines);

/** The text of a line for searching and copying. */
export function textOf({ at, level, target, message, fields }: LogLine): string {
  return [clock(at), level.padEnd(5), `${target}:`, message, fields].filter(Boolean).join(' ');
}
