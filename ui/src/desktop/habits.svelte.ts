// What the app itself does: start at login, notifications, updates. A switch is saved as it is moved, and moves back if
// that fails.

import type { AppPreferences } from './bindings/AppPreferences';
import type { Problem } from './bindings/Problem';
import { api } from './api';
import type { NoticeClass } from './types';

export class Habits {
  current = $state.raw<AppPreferences | null>(null);
  problem = $state.raw<Problem | null>(null);

  async read() {
    try {
      this.current = await api.appPreferences();
    } catch (problem) {
      this.problem = problem as Problem;
    }
  }

  /** `again` asks how things are afterwards, where saving changes more than what was said. */
  async change(part: Partial<AppPreferences>, again = false) {
    const before = this.current;
    if (!before) return;
    this.problem = null;
    this.current = { ...before, ...part };
    try {
      await api.saveAppPreferences(this.current);
      // What is written is right.
      if (again || before.file_problem !== null) await this.read();
    } catch (problem) {
      this.current = before;
      this.problem = problem as Problem;
    }
  }

  notify(kind: NoticeClass, on: boolean) {
    if (this.current) void this.change({ notify: { ...this.current.notify, [kind]: on } });
  }
}
