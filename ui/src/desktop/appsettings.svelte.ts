// What the app itself does: start at login, notifications, updates, when it serves. A switch is saved as it is moved, and moves back if
// that fails.

import type { AppPreferences } from './bindings/AppPreferences';
import type { Problem } from './bindings/Problem';
import { api, on } from './api';
import type { NotificationKind, ServeForm } from './types';

export class AppSettings {
  current = $state.raw<AppPreferences | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Parts of the rules that were typed and refused. */
  typed = $state.raw<Partial<ServeForm>>({});
  /** Where they are wrong, and why. */
  wrong = $state.raw<{ field: string; why: string } | null>(null);

  /** The rules as they are, with what was typed. */
  readonly rules: ServeForm | null = $derived(this.current && { ...this.current.serve, ...this.typed });

  /** How many changes are being saved: what is read meanwhile is older. */
  #saving = 0;

  /** Follows edits by hand until the returned function is called. */
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

  /** `again` asks how things are afterwards, where saving changes more than what was said. */
  async change(part: Partial<AppPreferences>, again = false) {
    this.problem = await this.#save(part, again);
  }

  /** A rule is switched. What is wrong elsewhere in the form stays there. */
  choose(part: Partial<ServeForm>) {
    if (this.current) void this.change({ serve: { ...this.current.serve, ...part } });
  }

  /** A part of a rule was typed. What is refused stays, with the reason, until it makes sense together with the rest. */
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

  /** Gives why it failed, and then everything is as it was. */
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
    // What is written is right.
    if (again || before.file_problem !== null) await this.read();
    return this.problem;
  }

  notify(kind: NotificationKind, on: boolean) {
    if (this.current) void this.change({ notify: { ...this.current.notify, [kind]: on } });
  }
}
