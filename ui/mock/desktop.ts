// Loaded before the windows' own script: a fake app in the scenario that the URL names.

import { aProblem, FakeApp } from '../src/testing/app/fake';
import * as samples from '../src/testing/app/samples';
import type { Phase } from '../src/desktop/bindings/Phase';

const asked = new URLSearchParams(location.search);
const scenario = asked.get('scenario') ?? 'ready';
const app = new FakeApp();

// The samples have fixed times: move them to now.
const shift = Date.now() - samples.NOW;
const base = samples.PHASES[scenario as Phase] ?? samples.aSnapshot();
app.snapshot = {
  ...base,
  paused_until: base.paused_until && base.paused_until + shift,
  trouble: base.trouble && { ...base.trouble, at: base.trouble.at + shift },
  update: { ...base.update, checked_at: base.update.checked_at && base.update.checked_at + shift },
};
app.lines = samples.lines(0, 4_800);
app.answers.load = () => samples.aLoad(Date.now());

const change: Record<string, () => void> = {
  attached: () => (app.snapshot = { ...app.snapshot, mode: 'attached' }),
  held: () =>
    (app.snapshot = { ...app.snapshot, phase: 'paused', paused_by: { rule: 'battery_low', percent: 18 } }),
  quiet: () => (app.answers.load = () => []),
  nomodels: () => (app.snapshot = { ...app.snapshot, models: [] }),
  restarted: () =>
    (app.snapshot = {
      ...app.snapshot,
      crash: { ...samples.PHASES.failed.crash!, times: 1, gave_up: false },
    }),
  badfile: () => {
    app.preferences = samples.unreadable(app.preferences);
    app.snapshot = { ...samples.PHASES.failed, crash: null };
  },
  mistyped: () =>
    (app.preferences = {
      ...samples.withField(app.preferences, 'max_concurrency', {
        value: 'many',
        problem: 'Enter a number from 1 to 4096',
      }),
      warnings: ['Unknown setting “client_nane” in worker.yaml (line 3). Did you mean client_name?'],
    }),
  nokeychain: () =>
    (app.appPreferences = samples.anApp({
      keychain_problem: 'zbus error: org.freedesktop.DBus.Error.ServiceUnknown',
    })),
  managed: () => {
    app.appPreferences = samples.anApp({ updates_managed_by: 'apt' });
    app.snapshot = { ...app.snapshot, update: { ...app.snapshot.update, state: 'off' } };
  },
  staged: () =>
    (app.snapshot = {
      ...app.snapshot,
      update: {
        ...app.snapshot.update,
        state: 'staged',
        version: '2.1.0',
        notes:
          '• Hide models by pattern\n• Reconnects faster after sleep\n• Fixes a crash when the log folder is full',
      },
    }),
  updatefailed: () =>
    (app.snapshot = {
      ...app.snapshot,
      update: {
        ...app.snapshot.update,
        state: 'failed',
        why: 'Couldn’t load the list of releases: timed out.',
      },
    }),
  wrongrule: () =>
    (app.answers.save_app_preferences = () => {
      throw aProblem('That rule is not valid', {
        why: 'Enter a percentage above the lower limit, up to 100',
        field: 'battery_high',
      });
    }),
  nologs: () => (app.lines = []),
  noruntimes: () => (app.answers.find_runtimes = () => []),
  refusedkey: () =>
    (app.answers.try_server = () => {
      throw aProblem('That worker key isn’t valid', {
        fix: 'Copy the key again, or use a join link.',
        field: 'key',
      });
    }),
};
change[scenario]?.();
app.answers.doctor = () => {
  samples.CHECKS.forEach((check, i) => setTimeout(() => void app.send('check', check), 40 * i));
  if (scenario !== 'checking') setTimeout(() => void app.send('checked', samples.CHECKS), 500);
};
if (scenario === 'checking')
  app.answers.doctor = () => samples.CHECKS.slice(0, 4).forEach((check) => void app.send('check', check));

app.install(asked.get('view') === 'welcome' ? 'welcome' : 'main');
Object.assign(window, { app });
