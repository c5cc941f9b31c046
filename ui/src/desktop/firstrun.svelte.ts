// The first run: what was entered at each step stays while one goes back and forth, until the app takes it.

import type { FoundRuntime } from './bindings/FoundRuntime';
import type { JoinLink } from './bindings/JoinLink';
import type { Problem } from './bindings/Problem';
import type { ServerTrial } from './bindings/ServerTrial';
import type { TestAnswer } from './bindings/TestAnswer';
import { api, on } from './api';

export const STEPS = ['start', 'server', 'models', 'machine', 'test'] as const;
export type Step = (typeof STEPS)[number];

/** Typing pauses for so long before a server is called. */
const CALL_AFTER_MS = 700;

/** Which step shows a problem with a field of the setup. */
const STEP_OF: Record<string, Step> = {
  server_url: 'server',
  key: 'server',
  client_key: 'server',
  runtime_url: 'models',
  completion_base_url: 'models',
  withheld_models: 'models',
  name: 'machine',
  client_name: 'machine',
};

export class FirstRun {
  step = $state<Step>('start');
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
  withheld = $state<string[]>([]);

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
  #timer: ReturnType<typeof setTimeout> | undefined;
  #trial = 0;

  readonly number: number = $derived(STEPS.indexOf(this.step) + 1);
  /** Null while the address is one that was typed. */
  readonly runtime: FoundRuntime | null = $derived(
    this.runtimes?.find(({ url }) => url === this.runtime_url) ?? null,
  );

  /** Waits for join links until the returned function is called. */
  start(): () => void {
    const listening = on({ join: () => void this.#askForLink() });
    // It may have been opened before anybody listened: then it is what opened this window.
    void listening.ready.then(() => this.#askForLink()).catch(() => undefined);
    return () => {
      listening.stop();
      clearTimeout(this.#timer);
    };
  }

  async #askForLink() {
    const link = await api.openedLink();
    if (link) this.take(link);
  }

  /** A link that was opened outside fills the step of the server and shows it. */
  take({ server_url, has_key }: JoinLink) {
    Object.assign(this, { server_url, use_link_key: has_key, key: '', how: 'link', link: '', arrived: true });
    this.step = 'server';
    void this.tryServer();
  }

  async readLink(text: string) {
    this.link = text;
    this.arrived = false;
    this.#forgetTrial();
    if (text.trim() === '') return;
    const number = this.#trial;
    try {
      const link = await api.readJoinLink(text.trim());
      if (number !== this.#trial) return;
      Object.assign(this, { server_url: link.server_url, use_link_key: link.has_key, key: '' });
      await this.tryServer();
    } catch (problem) {
      if (number === this.#trial) this.refused = problem as Problem;
    }
  }

  /** The server or the key was typed: it is called when the typing pauses. */
  typed(part: { server_url?: string; key?: string; use_link_key?: boolean }) {
    Object.assign(this, part);
    this.#forgetTrial();
    if (this.server_url.trim() !== '') this.#timer = setTimeout(() => void this.tryServer(), CALL_AFTER_MS);
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
      if (!this.runtime && this.elsewhere === '') this.runtime_url = usable?.url ?? null;
    } catch (problem) {
      this.problem = problem as Problem;
    }
    this.looking = false;
  }

  offer(model: string, offered: boolean) {
    const others = this.withheld.filter((name) => name !== model);
    this.withheld = offered ? others : [...others, model];
  }

  back() {
    this.problem = null;
    this.step = STEPS[Math.max(0, this.number - 2)]!;
  }

  async next() {
    this.problem = null;
    if (this.step === 'machine' && !(await this.finish())) return;
    this.step = STEPS[Math.min(STEPS.length - 1, this.number)]!;
    if (this.step === 'models' && this.runtimes === null) void this.look();
  }

  /** What is entered at this step does not count. */
  skip() {
    if (this.step === 'server') {
      this.#forgetTrial();
      Object.assign(this, { server_url: '', key: '', link: '', use_link_key: false, arrived: false });
    }
    if (this.step === 'models') Object.assign(this, { runtime_url: null, elsewhere: '', withheld: [] });
    if (this.step === 'machine')
      Object.assign(this, { name: '', start_at_login: false, notifications: true });
    return this.next();
  }

  /** Gives it all to the app; without a server only the app's own part. */
  async finish(): Promise<boolean> {
    this.busy = true;
    this.answer = null;
    this.failed = null;
    try {
      if (this.server_url.trim() === '') await this.#keepHabits();
      else await api.finishSetup(this.#setup());
      this.taken = this.server_url.trim() !== '';
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

  #setup() {
    return {
      server_url: this.server_url.trim(),
      key: this.#ownKey(),
      use_link_key: this.use_link_key,
      runtime_url: this.elsewhere.trim() || this.runtime_url,
      name: this.name.trim() || null,
      withheld_models: $state.snapshot(this.withheld),
      start_at_login: this.start_at_login,
      notifications: this.notifications,
    };
  }

  async #keepHabits() {
    const { start_at_login, notifications: on } = this;
    const habits = await api.appPreferences();
    const notify = { server_lost: on, key_refused: on, runtime_gone: on, update_ready: on, paused: on };
    await api.saveAppPreferences({ ...habits, start_at_login, notify, first_run_done: true });
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
