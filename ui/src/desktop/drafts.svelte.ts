// Preferences while they are edited: what the file says, and what somebody is about to change. The two are kept apart, so
// that a change of the file by hand never touches what is being typed.

import type { Effect } from './bindings/Effect';
import type { Field } from './bindings/Field';
import type { Preferences } from './bindings/Preferences';
import type { Problem } from './bindings/Problem';
import type { Saved } from './bindings/Saved';
import { api, on } from './api';
import { written, type Basis, type Change, type Draft, DraftStore } from './draftstore';

/** Typing pauses for so long before a value is judged. */
const JUDGE_AFTER_MS = 250;

/** From what changes least to what changes most. */
const EFFECTS: Effect[] = ['now', 'service', 'restart'];

export class Drafts {
  preferences = $state.raw<Preferences | null>(null);
  /** Whether the fields are those of a file that could be read: the present one, or, if that is broken, the one before. */
  known = $state(false);
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
  /** What the file said when each change was begun; nothing if it could not be read then. */
  #bases = new Map<string, Basis | null>();
  /** Keys of changed secrets. */
  #secrets = new Set<string>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #store = new DraftStore(() => this.#toKeep());

  readonly fields: Map<string, Field> = $derived(
    new Map(this.preferences?.groups.flatMap(({ fields }) => fields).map((field) => [field.key, field])),
  );
  readonly keys: string[] = $derived(Object.keys(this.changes));
  /** When the changes will count: the most of what any of them does. */
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
      Object.keys(this.judging).length === 0,
  );

  /** Follows the file until the returned function is called. */
  start(): () => void {
    const listening = on({ preferences: (preferences) => this.#take(preferences) });
    this.saved = null;
    void this.read(listening.ready);
    return listening.stop;
  }

  /** Takes up what the last window left, until the returned function is called, which leaves it to the next. */
  resume(): () => void {
    void this.#store.take().then((drafts) => {
      for (const { key, change, basis } of drafts) {
        if (key in this.changes) continue;
        this.changes[key] = change;
        this.#bases.set(key, basis);
        this.#judge(key, change);
      }
      if (this.preferences) this.#compare();
    });
    return () => this.#store.put();
  }

  /** Leaves what is not saved to the next window, now. */
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
    if (!this.#bases.has(field.key)) this.#bases.set(field.key, this.known ? written(field) : null);
    if (field.kind === 'secret') this.#secrets.add(field.key);
    this.changes[field.key] = value;
    this.#judge(field.key, value);
    this.#store.putSoon();
  }

  /** Takes a change back. */
  forget(key: string) {
    clearTimeout(this.#timers.get(key));
    this.#bases.delete(key);
    for (const record of [this.changes, this.wrong, this.judging, this.overtaken]) delete record[key];
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

  #effectOf(keys: string[]): Effect {
    const effects = keys.map((key) => EFFECTS.indexOf(this.fields.get(key)?.effect ?? 'now'));
    return EFFECTS[Math.max(0, ...effects)]!;
  }

  #isAsItWas(field: Field, value: Change): boolean {
    if (field.kind === 'secret') return value === null && !field.is_set;
    return value === null ? field.origin === 'default' : value === field.value && field.origin === 'file';
  }

  /** A file that cannot be read says nothing: what is known of the one before stays, and so do the changes. */
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

  /** What has become of the settings that are about to be changed. */
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
      // What we have saved ourselves is no news.
      if (!was || this.saving) this.#bases.set(key, now);
      else if (was.value !== now.value || was.origin !== now.origin || was.is_set !== now.is_set) {
        this.overtaken[key] = true;
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

  /** Secrets stay in this window. */
  #toKeep(): Draft[] {
    return this.keys
      .filter((key) => !this.#secrets.has(key))
      .map((key) => ({ key, change: this.changes[key]!, basis: this.#bases.get(key) ?? null }));
  }
}
