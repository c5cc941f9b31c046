// The first run: what was entered at each step stays while one goes back and forth, until the app takes it. It begins with
// how this machine is, and what was not changed is not said to the app.

import type { FoundRuntime } from './bindings/FoundRuntime';
import type { JoinLink } from './bindings/JoinLink';
import type { Problem } from './bindings/Problem';
import type { ServerTrial } from './bindings/ServerTrial';
import type { Setup } from './bindings/Setup';
import type { SetupNow } from './bindings/SetupNow';
import type { TestAnswer } from './bindings/TestAnswer';
import { api, on } from './api';

export const STEPS = ['start', 'server', 'models', 'machine', 'test'] as const;
export type Step = (typeof STEPS)[number];

/** A machine that is set up is asked for nothing but another server. */
const JOIN_STEPS: readonly Step[] = ['server', 'test'];

/** A machine of which nothing is known. */
const NEW: SetupNow = {
  configured: false,
  runtime_url: null,
  name: null,
  start_at_login: false,
  notifications: true,
};

/** Typing pauses for so long before a server is called. */
const CALL_AFTER_MS = 700;

/** Which step shows a problem with a field of the setup. */
const STEP_OF: Record<string, Step> = {
  server_url: 'server',
  key: 'server',
  client_key: 'server',
  runtime_url: 'models',
  completion_base_url: 'models',
  models_withheld: 'models',
  name: 'machine',
  client_name: 'machine',
};

export class FirstRun {
  step = $state<Step>('start');
  steps = $state.raw<readonly Step[]>(STEPS);
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);

  how = $state<'link' | 'hand'>('link');
  link = $state('');
  server_url = $state('');
  key = $state('');
  use_link_key = $state(false);
  /** Whether a link was opened outside, rather than pasted. */
  arrived = $state(false);
  trying = $state(false);
  trial = $state.raw<ServerTrial | null>(null);
  refused = $state.raw<Problem | null>(null);

  looking = $state(false);
  runtimes = $state.raw<FoundRuntime[] | null>(null);
  /** The address of the chosen one. */
  runtime_url = $state<string | null>(null);
  elsewhere = $state('');
  /** Models that are to be offered, or not any more. Others stay as they are. */
  switched = $state<Record<string, boolean>>({});

  name = $state('');
  start_at_login = $state(false);
  notifications = $state(true);

  /** Whether the app has taken all this. */
  taken = $state(false);
  model = $state<string | null>(null);
  /** The server's, for the test request alone. */
  api_key = $state('');
  testing = $state(false);
  answer = $state.raw<TestAnswer | null>(null);
  failed = $state.raw<Problem | null>(null);
  #now = NEW;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #trial = 0;

  readonly number: number = $derived(this.steps.indexOf(this.step) + 1);
  /** Null while the address is one that was typed. */
  readonly runtime: FoundRuntime | null = $derived(
    this.runtimes?.find(({ url }) => url === this.runtime_url) ?? null,
  );

  /** Waits for join links until the returned function is called. */
  start(): () => void {
    const listening = on({ join: () => void this.#askForLink() });
    // It may have been opened before anybody listened: then it is what opened this window.
    void listening.ready
      .then(() => this.#begin())
      .then(() => this.#askForLink())
      .catch(() => undefined);
    return () => {
      listening.stop();
      clearTimeout(this.#timer);
    };
  }

  /** How the machine is set up is where it begins. */
  async #begin() {
    await this.#learn();
    this.#asBefore('models');
    this.#asBefore('machine');
  }

  async #learn() {
    this.#now = (await api.setupNow().catch(() => null)) ?? this.#now;
  }

  #asBefore(step: 'models' | 'machine') {
    const { runtime_url, name, start_at_login, notifications } = this.#now;
    if (step === 'models') Object.assign(this, { runtime_url, elsewhere: '', switched: {} });
    else Object.assign(this, { name: name ?? '', start_at_login, notifications });
  }

  async #askForLink() {
    try {
      const link = await api.openedLink();
      if (!link) return;
      await this.#learn();
      this.#take(link);
    } catch (problem) {
      await this.#learn();
      this.#showServer('');
      this.refused = problem as Problem;
    }
  }

  /** A link that was opened outside fills the step of the server and shows it. Whose server it is nobody knows: it is not called unasked. */
  #take({ server_url, has_key }: JoinLink) {
    this.#showServer(server_url);
    Object.assign(this, { use_link_key: has_key, arrived: true });
  }

  #showServer(server_url: string) {
    this.#forgetTrial();
    Object.assign(this, { server_url, use_link_key: false, key: '', how: 'link', link: '', arrived: false });
    this.steps = this.#now.configured ? JOIN_STEPS : STEPS;
    if (this.#now.configured) {
      this.#asBefore('models');
      this.#asBefore('machine');
    }
    this.problem = null;
    this.step = 'server';
  }

  async readLink(text: string) {
    // What is entered takes the place of the link before, also if it is none.
    Object.assign(this, { link: text, server_url: '', use_link_key: false, key: '', arrived: false });
    this.#forgetTrial();
    if (text.trim() === '') return;
    const number = this.#trial;
    try {
      const link = await api.readJoinLink(text.trim());
      if (number !== this.#trial) return;
      Object.assign(this, { server_url: link.server_url, use_link_key: link.has_key });
      await this.tryServer();
    } catch (problem) {
      if (number === this.#trial) this.refused = problem as Problem;
    }
  }

  /** The server or the key was typed: it is called when the typing pauses, unless it is that of a link from outside. */
  typed(part: { server_url?: string; key?: string; use_link_key?: boolean }) {
    // The key of a link is for its own server.
    if (part.server_url !== undefined) Object.assign(this, { use_link_key: false, arrived: false });
    Object.assign(this, part);
    this.#forgetTrial();
    if (this.server_url.trim() === '' || this.arrived) return;
    this.#timer = setTimeout(() => void this.tryServer(), CALL_AFTER_MS);
  }

  async tryServer() {
    this.#forgetTrial();
    const number = this.#trial;
    this.trying = true;
    try {
      const trial = await api.tryServer(this.server_url.trim(), this.#ownKey(), this.use_link_key);
      if (number === this.#trial) this.trial = trial;
    } catch (problem) {
      if (number === this.#trial) this.refused = problem as Problem;
    }
    if (number === this.#trial) this.trying = false;
  }

  async look() {
    this.looking = true;
    this.problem = null;
    try {
      this.runtimes = await api.findRuntimes();
      const usable = this.runtimes.find(({ problem }) => problem === null);
      if (this.runtime || this.elsewhere !== '') return;
      if (this.#now.runtime_url !== null) this.elsewhere = this.#now.runtime_url;
      else this.runtime_url = usable?.url ?? null;
    } catch (problem) {
      this.problem = problem as Problem;
    } finally {
      this.looking = false;
    }
  }

  isShared(model: string): boolean {
    return this.switched[model] ?? !this.runtime?.withheld.includes(model);
  }

  share(model: string, shared: boolean) {
    const { [model]: _, ...others } = this.switched;
    const before = !this.runtime?.withheld.includes(model);
    this.switched = shared === before ? others : { ...others, [model]: shared };
  }

  back() {
    this.problem = null;
    this.step = this.steps[Math.max(0, this.number - 2)]!;
  }

  async next() {
    this.problem = null;
    // The server of a link that came from outside is called now.
    if (this.step === 'server' && this.arrived && !this.trial) await this.tryServer();
    if (this.step === 'server' && this.arrived && !this.trial) return;
    const after = this.steps[Math.min(this.steps.length - 1, this.number)]!;
    if (after === 'test' && !(await this.finish())) return;
    this.step = after;
    if (this.step === 'models' && this.runtimes === null) void this.look();
  }

  /** What is entered at this step does not count. */
  skip() {
    if (this.step === 'server') {
      this.#forgetTrial();
      Object.assign(this, { server_url: '', key: '', link: '', use_link_key: false, arrived: false });
    }
    if (this.step === 'models' || this.step === 'machine') this.#asBefore(this.step);
    return this.next();
  }

  /** Gives it all to the app; without a server only the app's own part. */
  async finish(): Promise<boolean> {
    this.busy = true;
    this.answer = null;
    this.failed = null;
    try {
      await api.finishSetup(this.#setup());
      this.taken = this.server_url.trim() !== '';
      await this.#learn();
      return true;
    } catch (error) {
      this.problem = error as Problem;
      this.step = STEP_OF[this.problem.field ?? ''] ?? this.step;
      return false;
    } finally {
      this.busy = false;
    }
  }

  async test() {
    this.testing = true;
    this.answer = null;
    this.failed = null;
    try {
      this.answer = await api.testRequest(this.model, this.api_key.trim() || null);
    } catch (problem) {
      this.failed = problem as Problem;
    }
    this.testing = false;
  }

  /** What was changed. */
  #setup(): Setup {
    const { runtime_url, name, start_at_login, notifications } = this.#now;
    const changed = <T>(value: T, before: T) => (value === before ? null : value);
    return {
      server_url: this.server_url.trim(),
      key: this.#ownKey(),
      use_link_key: this.use_link_key,
      runtime_url: changed(this.elsewhere.trim() || this.runtime_url || '', runtime_url ?? ''),
      name: changed(this.name.trim(), name ?? ''),
      switched: $state.snapshot(this.switched),
      start_at_login: changed(this.start_at_login, start_at_login),
      notifications: changed(this.notifications, notifications),
    };
  }

  #ownKey() {
    return this.use_link_key ? null : this.key.trim() || null;
  }

  /** Answers that are under way no longer count. */
  #forgetTrial() {
    clearTimeout(this.#timer);
    this.#trial += 1;
    this.trying = false;
    this.trial = null;
    this.refused = null;
  }
}
