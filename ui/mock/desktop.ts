// Put into a page before the windows' own script: the app behind them is pretended, in the scenario that the address names.

import { aProblem, FakeDesk } from '../src/testing/desk/fake';
import * as samples from '../src/testing/desk/samples';
import type { Phase } from '../src/desktop/bindings/Phase';

const asked = new URLSearchParams(location.search);
const scenario = asked.get('scenario') ?? 'ready';
const desk = new FakeDesk();

// The samples' times are of one day: bring them to now.
const shift = Date.now() - samples.NOW;
const base = samples.PHASES[scenario as Phase] ?? samples.aSnapshot();
desk.snapshot = {
  ...base,
  paused_until: base.paused_until && base.paused_until + shift,
  trouble: base.trouble && { ...base.trouble, at: base.trouble.at + shift },
  update: { ...base.update, checked_at: base.update.checked_at && base.update.checked_at + shift },
};
desk.lines = samples.lines(0, 4_800);
desk.answers.load = () => samples.aLoad(Date.now());

const change: Record<string, () => void> = {
  attached: () => (desk.snapshot = { ...desk.snapshot, mode: 'attached' }),
  held: () =>
    (desk.snapshot = { ...desk.snapshot, phase: 'paused', paused_by: { rule: 'battery_low', percent: 18 } }),
  quiet: () => (desk.answers.load = () => []),
  nomodels: () => (desk.snapshot = { ...desk.snapshot, models: [] }),
  restarted: () =>
    (desk.snapshot = {
      ...desk.snapshot,
      crash: { ...samples.PHASES.failed.crash!, times: 1, gave_up: false },
    }),
  badfile: () => {
    desk.preferences = samples.unreadable(desk.preferences);
    desk.snapshot = { ...samples.PHASES.failed, crash: null };
  },
  mistyped: () =>
    (desk.preferences = {
      ...samples.withField(desk.preferences, 'max_concurrency', {
        value: 'many',
        problem: 'Wanted: a whole number from 1 to 4096.',
      }),
      warnings: ['worker.yaml, line 3: client_nane is not known; client_name is meant?'],
    }),
  managed: () => {
    desk.app = samples.anApp({ updates_managed_by: 'apt' });
    desk.snapshot = { ...desk.snapshot, update: { ...desk.snapshot.update, state: 'off' } };
  },
  staged: () =>
    (desk.snapshot = {
      ...desk.snapshot,
      update: {
        ...desk.snapshot.update,
        state: 'staged',
        version: '2.1.0',
        notes:
          '• Models can be withheld by pattern\n• Reconnects faster after sleep\n• Fixes a crash when the log folder is full',
      },
    }),
  updatefailed: () =>
    (desk.snapshot = {
      ...desk.snapshot,
      update: {
        ...desk.snapshot.update,
        state: 'failed',
        why: 'The list of releases cannot be read: timed out.',
      },
    }),
  wrongrule: () =>
    (desk.answers.save_app_preferences = () => {
      throw aProblem('That rule makes no sense', {
        why: 'Wanted: more percent than the lower limit, at most 100.',
        field: 'battery_high',
      });
    }),
  nologs: () => (desk.lines = []),
  noruntimes: () => (desk.answers.find_runtimes = () => []),
  refusedkey: () =>
    (desk.answers.try_server = () => {
      throw aProblem('The server does not take this worker key', {
        fix: 'Copy the key again, or the whole join link: both are in the server’s dashboard.',
        field: 'key',
      });
    }),
};
change[scenario]?.();
desk.answers.doctor = () => {
  samples.CHECKS.forEach((check, i) => setTimeout(() => void desk.say('check', check), 40 * i));
  if (scenario !== 'checking') setTimeout(() => void desk.say('checked', samples.CHECKS), 500);
};
if (scenario === 'checking')
  desk.answers.doctor = () => samples.CHECKS.slice(0, 4).forEach((check) => void desk.say('check', check));

desk.install(asked.get('view') === 'welcome' ? 'welcome' : 'main');
Object.assign(window, { desk });
