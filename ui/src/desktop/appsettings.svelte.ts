// Settings of the app itself: start at login, notifications, updates, when to share. A switch is saved immediately and moves back
// if saving fails.

import type { AppPreferences } from './bindings/AppPreferences';
import type { Problem } from './bindings/Problem';
import { api, on } from './api';
import type { NotificationKind, ServeForm } from './types';

export class AppSettings {
  current = $state.raw<AppPreferences | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Values of rules that were rejected. */
  typed = $state.raw<Partial<ServeForm>>({});
  /** The rejected field and the reason. */
  wrong = $state.raw<{ field: string; why: string } | null>(null);

  /** The current rules with the rejected values. */
  readonly rules: ServeForm | null = $derived(this.current && { ...this.current.serve, ...this.typed });

  /** Number of changes being saved. Data that is read meanwhile is outdated. */
  #saving = 0;

  /** Follows edits of the file until the returned function is called. */
  start(): () => void {
    const listening = on({ preferences: () => void (this.#saving === 0 && this.read()) });
    void this.read();
    return listening.stop;
  }

  async read() {
    try {
      this.current = await api.appPreferences();
    } catch (problem) {
      this.problem = problem as Problem;
    }
  }

  /** `again` reloads the settings afterwards, if saving may change other values. */
  async change(part: Partial<AppPreferences>, again = false) {
    this.problem = await this.#save(part, again);
  }

  /** Changes a rule. Invalid values elsewhere in the form stay. */
  choose(part: Partial<ServeForm>) {
    if (this.current) void this.change({ serve: { ...this.current.serve, ...part } });
  }

  /** Changes a typed value of a rule. A rejected value stays, with the reason, until it is valid together with the others. */
  async type(part: Partial<ServeForm>) {
    if (!this.current) return;
    this.typed = { ...this.typed, ...part };
    const problem = await this.#save({ serve: { ...this.current.serve, ...this.typed } }, true);
    if (problem?.field && this.rules && problem.field in this.rules) {
      this.wrong = { field: problem.field, why: problem.why ?? problem.what };
      return;
    }
    [this.typed, this.wrong, this.problem] = [{}, null, problem];
  }

  /** Saves settings. On failure, restores the previous ones and returns the problem. */
  async #save(part: Partial<AppPreferences>, again: boolean): Promise<Problem | null> {
    const before = this.current;
    if (!before) return null;
    this.problem = null;
    this.current = { ...before, ...part };
    this.#saving += 1;
    try {
      await api.saveAppPreferences(this.current);
    } catch (problem) {
      this.current = before;
      return problem as Problem;
    } finally {
      this.#saving -= 1;
    }
    // Saving repairs the file.
    if (again || before.file_problem !== null) await this.read();
    return this.problem;
  }

  notify(kind: NotificationKind, on: boolean) {
    if (this.current) void this.change({ notify: { ...this.current.notify, [kind]: on } });
  }
}
