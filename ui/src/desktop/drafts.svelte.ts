// Preferences while they are edited: what the file says, and what somebody is about to change. The two are kept apart, so
// that a change of the file by hand never touches what is being typed.

import type { Field } from './bindings/Field';
import type { Preferences } from './bindings/Preferences';
import type { Problem } from './bindings/Problem';
import type { Saved } from './bindings/Saved';
import { api, on } from './api';

/** Typing pauses for so long before a value is judged. */
const JUDGE_AFTER_MS = 250;

/** A change: the new value, or null for back to the default. */
type Change = string | null;

export class Drafts {
  preferences = $state.raw<Preferences | null>(null);
  /** Why they could not be read or saved. */
  problem = $state.raw<Problem | null>(null);
  saved = $state.raw<Saved | null>(null);
  saving = $state(false);
  changes = $state<Record<string, Change>>({});
  /** Reasons why changed values are wrong. */
  wrong = $state<Record<string, string>>({});
  /** Keys whose change is not judged yet. */
  judging = $state<Record<string, true>>({});
  /** Keys that the file has changed under somebody's hands. */
  overtaken = $state<Record<string, true>>({});
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  readonly fields: Map<string, Field> = $derived(
    new Map(this.preferences?.groups.flatMap(({ fields }) => fields).map((field) => [field.key, field])),
  );
  readonly keys: string[] = $derived(Object.keys(this.changes));
  readonly restarts: boolean = $derived(this.keys.some((key) => this.fields.get(key)?.effect === 'restart'));
  readonly savable: boolean = $derived(
    this.keys.length > 0 &&
      !this.saving &&
      Object.keys(this.wrong).length === 0 &&
      Object.keys(this.judging).length === 0,
  );

  /** Follows the file until the returned function is called. */
  start(): () => void {
    const listening = on({ preferences: (preferences) => this.#take(preferences) });
    this.saved = null;
    void this.read(listening.ready);
    return listening.stop;
  }

  async read(after: Promise<unknown> = Promise.resolve()) {
    try {
      await after;
      this.#take(await api.preferences());
      this.problem = null;
    } catch (problem) {
      this.problem = problem as Problem;
    }
  }

  /** What the control of a field shows: the change, else what the file says. */
  shown(field: Field): string {
    const change = this.changes[field.key];
    if (change !== undefined) return change ?? field.default;
    return field.value ?? field.default;
  }

  /** Why a field is wrong: by what is typed, else by what the file says. */
  problemOf(field: Field): string | null {
    return field.key in this.changes ? (this.wrong[field.key] ?? null) : field.problem;
  }

  set(field: Field, value: Change) {
    this.saved = null;
    delete this.wrong[field.key];
    if (this.#isAsItWas(field, value)) return this.forget(field.key);
    this.changes[field.key] = value;
    this.#judge(field.key, value);
  }

  /** Takes a change back. */
  forget(key: string) {
    clearTimeout(this.#timers.get(key));
    for (const record of [this.changes, this.wrong, this.judging, this.overtaken]) delete record[key];
  }

  discard() {
    this.keys.forEach((key) => this.forget(key));
    this.problem = null;
  }

  async save(): Promise<void> {
    const changes = $state.snapshot(this.changes);
    this.saving = true;
    this.problem = null;
    try {
      this.saved = await api.savePreferences(changes);
      // What was typed while it was being saved stays a change.
      for (const [key, value] of Object.entries(changes)) if (this.changes[key] === value) this.forget(key);
      await this.read();
    } catch (error) {
      const problem = error as Problem;
      if (problem.field !== null && problem.field in this.changes) {
        this.wrong[problem.field] = problem.why ?? problem.what;
      }
      this.problem = problem;
    } finally {
      this.saving = false;
    }
  }

  #isAsItWas(field: Field, value: Change): boolean {
    if (field.kind === 'secret') return value === null && !field.is_set;
    return value === null ? field.origin === 'default' : value === field.value && field.origin === 'file';
  }

  #take(preferences: Preferences) {
    const before = this.fields;
    this.preferences = preferences;
    for (const key of this.keys) {
      const [was, is] = [before.get(key), this.fields.get(key)];
      if (
        !is ||
        is.origin === 'environment' ||
        (is.kind !== 'secret' && this.#isAsItWas(is, this.changes[key] ?? null))
      ) {
        this.forget(key);
      } else if (was && (was.value !== is.value || was.origin !== is.origin || was.is_set !== is.is_set)) {
        if (!this.saving) this.overtaken[key] = true;
      }
    }
  }

  #judge(key: string, value: Change) {
    clearTimeout(this.#timers.get(key));
    delete this.judging[key];
    if (value === null) return;
    this.judging[key] = true;
    const judge = async () => {
      const reason = await api.checkPreference(key, value).catch(() => null); // saving will tell
      if (this.changes[key] !== value) return; // typed on meanwhile
      delete this.judging[key];
      if (reason === null) delete this.wrong[key];
      else this.wrong[key] = reason;
    };
    this.#timers.set(key, setTimeout(judge, JUDGE_AFTER_MS));
  }
}
