// Preferences while they are edited: the values in the file and the unsaved changes. The two are separate, so
// that an edit of the file never overwrites what the user is typing.

import type { Effect } from './bindings/Effect';
import type { Field } from './bindings/Field';
import type { Preferences } from './bindings/Preferences';
import type { Problem } from './bindings/Problem';
import type { Saved } from './bindings/Saved';
import { api, on } from './api';
import { written, type Basis, type Change, type Draft, DraftStore } from './draftstore';

/** Pause in typing after which a value is validated. */
const VALIDATE_AFTER_MS = 250;

/** From the smallest effect to the largest. */
const EFFECTS: Effect[] = ['now', 'service', 'restart'];

export class Drafts {
  preferences = $state.raw<Preferences | null>(null);
  /** Whether the fields come from a valid file: the current one or, if that is invalid, the previous one. */
  known = $state(false);
  /** Why preferences could not be loaded or saved. */
  problem = $state.raw<Problem | null>(null);
  saved = $state.raw<Saved | null>(null);
  saving = $state(false);
  changes = $state<Record<string, Change>>({});
  /** Reasons why changed values are invalid. */
  wrong = $state<Record<string, string>>({});
  /** Keys whose change is not validated yet. */
  validating = $state<Record<string, true>>({});
  /** Keys that changed in the file while they were being edited. */
  overtaken = $state<Record<string, true>>({});
  /** The values in the file when each change started. Null if the file could not be read. */
  #bases = new Map<string, Basis | null>();
  /** Keys of changed secrets. */
  #secrets = new Set<string>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #store = new DraftStore(() => this.#toKeep());

  readonly fields: Map<string, Field> = $derived(
    new Map(this.preferences?.groups.flatMap(({ fields }) => fields).map((field) => [field.key, field])),
  );
  readonly keys: string[] = $derived(Object.keys(this.changes));
  /** The effect of saving: the largest of any change. */
  readonly effect: Effect = $derived(this.#effectOf(this.keys));
  readonly hasSecrets: boolean = $derived(
    this.keys.some((key) => this.fields.get(key)?.kind === 'secret' && this.changes[key] !== null),
  );
  readonly unreadable: boolean = $derived((this.preferences?.file_problem ?? null) !== null);
  readonly savable: boolean = $derived(
    this.keys.length > 0 &&
      !this.saving &&
      !this.unreadable &&
      Object.keys(this.wrong).length === 0 &&
      Object.keys(this.validating).length === 0,
  );

  /** Follows the file until the returned function is called. */
  start(): () => void {
    const listening = on({ preferences: (preferences) => this.#take(preferences) });
    this.saved = null;
    void this.read(listening.ready);
    return listening.stop;
  }

  /** Restores the drafts of the last window. The returned function saves the drafts for the next one. */
  resume(): () => void {
    void this.#store.take().then((drafts) => {
      for (const { key, change, basis } of drafts) {
        if (key in this.changes) continue;
        this.changes[key] = change;
        this.#bases.set(key, basis);
        this.#validate(key, change);
      }
      if (this.preferences) this.#compare();
    });
    return () => this.#store.put();
  }

  /** Saves the drafts for the next window immediately. */
  leave(): Promise<void> {
    return this.#store.put();
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

  /** The value that a field's control shows: the change or the value in the file. */
  shown(field: Field): string {
    const change = this.changes[field.key];
    if (change !== undefined) return change ?? field.default;
    return field.value ?? field.default;
  }

  /** Why a field is invalid: the change or the value in the file. */
  problemOf(field: Field): string | null {
    return field.key in this.changes ? (this.wrong[field.key] ?? null) : field.problem;
  }

  set(field: Field, value: Change) {
    this.saved = null;
    delete this.wrong[field.key];
    if (this.#isAsItWas(field, value)) return this.forget(field.key);
    if (!this.#bases.has(field.key)) this.#bases.set(field.key, this.known ? written(field) : null);
    if (field.kind === 'secret') this.#secrets.add(field.key);
    this.changes[field.key] = value;
    this.#validate(field.key, value);
    this.#store.putSoon();
  }

  /** Discards a change. */
  forget(key: string) {
    clearTimeout(this.#timers.get(key));
    this.#bases.delete(key);
    for (const record of [this.changes, this.wrong, this.validating, this.overtaken]) delete record[key];
    this.#store.putSoon();
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
      // A value that was typed while saving stays a change.
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

  #effectOf(keys: string[]): Effect {
    const effects = keys.map((key) => EFFECTS.indexOf(this.fields.get(key)?.effect ?? 'now'));
    return EFFECTS[Math.max(0, ...effects)]!;
  }

  #isAsItWas(field: Field, value: Change): boolean {
    if (field.kind === 'secret') return value === null && !field.is_set;
    return value === null ? field.origin === 'default' : value === field.value && field.origin === 'file';
  }

  /** If the file cannot be read, the previous values and the changes stay. */
  #take(preferences: Preferences) {
    if (preferences.file_problem === null) {
      this.known = true;
      this.preferences = preferences;
      this.#compare();
    } else {
      const groups = this.known && this.preferences ? this.preferences.groups : preferences.groups;
      this.preferences = { ...preferences, groups };
    }
  }

  /** Compares the changes with the new values in the file. */
  #compare() {
    if (!this.known) return;
    for (const key of this.keys) {
      const is = this.fields.get(key);
      const hasIt = is && is.kind !== 'secret' && this.#isAsItWas(is, this.changes[key] ?? null);
      if (!is || is.origin === 'environment' || hasIt) {
        this.forget(key);
        continue;
      }
      const [was, now] = [this.#bases.get(key), written(is)];
      // Our own saving is not a conflict.
      if (!was || this.saving) this.#bases.set(key, now);
      else if (was.value !== now.value || was.origin !== now.origin || was.is_set !== now.is_set) {
        this.overtaken[key] = true;
      }
    }
  }

  #validate(key: string, value: Change) {
    clearTimeout(this.#timers.get(key));
    delete this.validating[key];
    if (value === null) return;
    this.validating[key] = true;
    const validate = async () => {
      const reason = await api.checkPreference(key, value).catch(() => null); // saving reports it
      if (this.changes[key] !== value) return; // changed again meanwhile
      delete this.validating[key];
      if (reason === null) delete this.wrong[key];
      else this.wrong[key] = reason;
    };
    this.#timers.set(key, setTimeout(validate, VALIDATE_AFTER_MS));
  }

  /** Drafts to keep. Secrets never leave this window. */
  #toKeep(): Draft[] {
    return this.keys
      .filter((key) => !this.#secrets.has(key))
      .map((key) => ({ key, change: this.changes[key]!, basis: this.#bases.get(key) ?? null }));
  }
}
