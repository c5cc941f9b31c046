// Where a window leaves what was changed and not saved: the app keeps it for the next window, in memory alone.

import type { Field } from './bindings/Field';
import { api } from './api';

/** Typing pauses for so long before it is put away. Short: nobody says that a window will close. */
const PUT_AFTER_MS = 100;

/** A change: the new value, or null for back to the default. */
export type Change = string | null;

/** What the file said of a setting. */
export type Basis = Pick<Field, 'value' | 'origin' | 'is_set'>;

/** A change with what it was begun from; that is nothing where the file could not be read. */
export interface Draft {
  key: string;
  change: Change;
  basis: Basis | null;
}

export const written = ({ value, origin, is_set }: Field): Basis => ({ value, origin, is_set });

export class DraftStore {
  #drafts: () => Draft[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is there, as far as this window knows. */
  #kept: string | null = null;

  constructor(drafts: () => Draft[]) {
    this.#drafts = drafts;
  }

  /** What the last window left. */
  async take(): Promise<Draft[]> {
    try {
      this.#kept = await api.keptDrafts();
      return JSON.parse(this.#kept ?? '[]') as Draft[];
    } catch {
      return []; // then there is nothing to go on with
    }
  }

  putSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.put(), PUT_AFTER_MS);
  }

  async put(): Promise<void> {
    clearTimeout(this.#timer);
    const drafts = this.#drafts();
    const text = drafts.length > 0 ? JSON.stringify(drafts) : null;
    if (text === this.#kept) return;
    this.#kept = text;
    await api.keepDrafts(text).catch(() => undefined); // they stay in this window
  }
}
