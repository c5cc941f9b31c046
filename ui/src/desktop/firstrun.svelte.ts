// The first run. Input stays while the user goes back and forth, until it is sent to the app. It starts with
// the current setup, and only changes are sent to the app.

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

/** Steps on a computer that is already set up: only the server changes. */
const JOIN_STEPS: readonly Step[] = ['server', 'test'];

/** The setup of a new computer. */
const NEW: SetupNow = {
  configured: false,
  runtime_url: null,
  name: null,
  start_at_login: false,
  notifications: true,
};

/** Pause in typing after which the connection is tested. */
const CALL_AFTER_MS = 700;

/** The step that shows a problem with a field. */
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
  /** Whether the link was opened outside the app instead of pasted. */
  arrived = $state(false);
  trying = $state(false);
  trial = $state.raw<ServerTrial | null>(null);
  refused = $state.raw<Problem | null>(null);

  looking = $state(false);
  runtimes = $state.raw<FoundRuntime[] | null>(null);
  /** The address of the selected runtime. */
  runtime_url = $state<string | null>(null);
  elsewhere = $state('');
  /** Models to share or hide. Others are unchanged. */
  switched = $state<Record<string, boolean>>({});

  name = $state('');
  start_at_login = $state(false);
  notifications = $state(true);

  /** Whether the app saved a setup with a server. */
  taken = $state(false);
  model = $state<string | null>(null);
  /** The server's API key, for the test request only. */
  api_key = $state('');
  testing = $state(false);
  answer = $state.raw<TestAnswer | null>(null);
  failed = $state.raw<Problem | null>(null);
  #now = NEW;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #trial = 0;

  readonly number: number = $derived(this.steps.indexOf(this.step) + 1);
  /** The selected runtime. Null if its address was entered by hand. */
  readonly runtime: FoundRuntime | null = $derived(
    this.runtimes?.find(({ url }) => url === this.runtime_url) ?? null,
  );

  /** Listens for join links until the returned function is called. */
  start(): () => void {
    const listening = on({ join: () => void this.#askForLink() });
    // A link that opened this window arrived before this listener.
    void listening.ready
      .then(() => this.#begin())
      .then(() => this.#askForLink())
      .catch(() => undefined);
    return () => {
      listening.stop();
      clearTimeout(this.#timer);
    };
  }

  /** Starts with the current setup. */
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

  /** Shows the server step with a link that was opened outside. Its server is not trusted, so it is not contacted until the user asks. */
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
    // The input replaces the previous link, even if it is not valid.
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

  /** Handles typing in the fields. The connection is tested when typing pauses, unless the server is that of a link from outside. */
  typed(part: { server_url?: string; key?: string; use_link_key?: boolean }) {
    // A link's key belongs to its server.
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
    // The server of a link from outside is contacted now.
    if (this.step === 'server' && this.arrived && !this.trial) await this.tryServer();
    if (this.step === 'server' && this.arrived && !this.trial) return;
    const after = this.steps[Math.min(this.steps.length - 1, this.number)]!;
    if (after === 'test' && !(await this.finish())) return;
    this.step = after;
    if (this.step === 'models' && this.runtimes === null) void this.look();
  }

  /** Discards the input of this step and continues. */
  skip() {
    if (this.step === 'server') {
      this.#forgetTrial();
      Object.assign(this, { server_url: '', key: '', link: '', use_link_key: false, arrived: false });
    }
    if (this.step === 'models' || this.step === 'machine') this.#asBefore(this.step);
    return this.next();
  }

  /** Sends the setup to the app. Without a server, only the app's own settings are saved. */
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

  /** The changed values. */
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

  /** Invalidates pending answers. */
  #forgetTrial() {
    clearTimeout(this.#timer);
    this.#trial += 1;
    this.trying = false;
    this.trial = null;
    this.refused = null;
  }
}
