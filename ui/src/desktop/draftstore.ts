// Storage of unsaved changes: the app keeps them for the next window, in memory only.

import type { Field } from './bindings/Field';
import { api } from './api';

/** Pause in typing after which drafts are saved. It is short, as a window may close without notice. */
const PUT_AFTER_MS = 100;

/** A change: the new value, or null for the default. */
export type Change = string | null;

/** A setting's value in the file. */
export type Basis = Pick<Field, 'value' | 'origin' | 'is_set'>;

/** A change and the value that it started from. Null if the file could not be read. */
export interface Draft {
  key: string;
  change: Change;
  basis: Basis | null;
}

export const written = ({ value, origin, is_set }: Field): Basis => ({ value, origin, is_set });

export class DraftStore {
  #drafts: () => Draft[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The saved text, as far as this window knows. */
  #kept: string | null = null;

  constructor(drafts: () => Draft[]) {
    this.#drafts = drafts;
  }

  /** Loads the drafts of the last window. */
  async take(): Promise<Draft[]> {
    try {
      this.#kept = await api.keptDrafts();
      return JSON.parse(this.#kept ?? '[]') as Draft[];
    } catch {
      return []; // then there are no drafts
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
    await api.keepDrafts(text).catch(() => undefined); // the drafts stay in this window
  }
}
