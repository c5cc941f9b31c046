import { fireEvent, screen, within } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { aProblem, type FakeApp } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { aModel, aSnapshot, NOW, PHASES } from '../testing/app/samples';
import type { PausedBy } from './bindings/PausedBy';
import type { Phase } from './bindings/Phase';
import type { Snapshot } from './bindings/Snapshot';
import { buttonsOf, textOf } from './status/controls';
import { heroOf } from './status/hero';
import { t } from './strings';

standStill();
const HOSTILE = '<img src=x onerror=alert(1)>';

const open = (snapshot: Snapshot, prepare: (app: FakeApp) => void = () => undefined) =>
  openWindow('status', (app) => {
    app.snapshot = snapshot;
    prepare(app);
  });
const controls = () =>
  within(screen.getByRole('group', { name: t.control.label }))
    .getAllByRole('button')
    .map((button) => button.textContent?.trim() || button.getAttribute('aria-label'));
const button = (name: string) => screen.getByRole('button', { name });
const heading = () => screen.getAllByRole('heading', { level: 2 })[0]!.textContent;

test('a remark about the server is shown while the worker runs', async () => {
  const note = 'The connection to pool is not encrypted.';
  const server = { ...aSnapshot().server, note };
  await open(aSnapshot({ server }));
  expect(screen.getByText(note)).toBeTruthy();
  await open({ ...PHASES.stopped, server });
  expect(screen.queryAllByText(note)).toHaveLength(1);
});

const EXPECTED: Record<Phase, { title: string; controls: string[] }> = {
  unconfigured: { title: t.hero.unconfigured.title, controls: [t.control.setUp] },
  stopped: { title: t.hero.stopped.title, controls: [t.control.start, t.control.more] },
  connecting: { title: t.hero.connecting.title, controls: [t.control.stop, t.control.more] },
  waiting: {
    title: t.hero.waiting.title,
    controls: [t.control.retry, t.control.diagnostics, t.control.more],
  },
  refused: {
    title: t.hero.refused.title,
    controls: [t.control.preferences, t.control.retry, t.control.more],
  },
  not_ready: {
    title: t.hero.not_ready.title('Ollama'),
    controls: [t.control.diagnostics, t.control.preferences, t.control.more],
  },
  ready: { title: t.hero.ready.title, controls: [t.control.pause, t.control.drain, t.control.more] },
  busy: { title: t.hero.busy.title, controls: [t.control.pause, t.control.drain, t.control.more] },
  draining: {
    title: t.hero.draining.title(1),
    controls: [t.control.undrain, t.control.stopNow, t.control.more],
  },
  paused: { title: t.hero.paused.title, controls: [t.control.resume, t.control.more] },
  terminating: { title: t.hero.terminating.title, controls: [t.control.quitNow] },
  failed: {
    title: t.hero.failed.title,
    controls: [t.control.startAgain, t.control.diagnostics, t.control.more],
  },
};

test.each(Object.keys(EXPECTED) as Phase[])('%s has its title and its buttons', async (phase) => {
  await open(PHASES[phase]);
  expect(heading()).toBe(EXPECTED[phase].title);
  expect(controls()).toEqual(EXPECTED[phase].controls);
});

test('buttons send their action to the app', async () => {
  const { app } = await open(PHASES.draining);
  await fireEvent.click(button(t.control.undrain));
  expect(app.commands('control')).toEqual([{ action: 'undrain' }]);
  await app.send('snapshot', PHASES.stopped);
  await settle();
  await fireEvent.click(button(t.control.start));
  expect(app.commands('control').at(-1)).toEqual({ action: 'start' });
});

test('a pause has a duration, which the keyboard can choose too', async () => {
  const { app } = await open(PHASES.ready);
  const pause = button(t.control.pause);
  await fireEvent.keyDown(pause, { key: 'ArrowDown' });
  await settle();
  expect(document.activeElement?.textContent).toBe(t.control.pauseFor['30m']);
  await fireEvent.keyDown(document.activeElement!, { key: 'End' });
  await fireEvent.click(document.activeElement!);
  expect(app.commands('pause')).toEqual([{ until: 'resumed' }]);
  expect(screen.queryByRole('menu')).toBeNull();

  await fireEvent.click(pause);
  await settle();
  await fireEvent.keyDown(document.activeElement!, { key: 'Escape' });
  await settle();
  expect(screen.queryByRole('menu')).toBeNull();
  expect(document.activeElement).toBe(pause);
});

test('the focus stays on the buttons when the pressed one disappears', async () => {
  let done!: () => void;
  const { app } = await open(PHASES.ready, (app) => {
    app.answers.pause = () => new Promise<void>((resolve) => (done = resolve));
  });
  await fireEvent.click(button(t.control.pause));
  await settle();
  await fireEvent.click(screen.getByRole('menuitem', { name: t.control.pauseFor['1h'] }));
  await settle();
  expect(document.activeElement).toBe(button(t.control.pause));
  await fireEvent.click(button(t.control.drain));
  expect(app.commands('control')).toEqual([]); // one action at a time
  done();
  await app.send('snapshot', PHASES.paused);
  await settle();
  expect(document.activeElement).toBe(button(t.control.resume));
});

test('a scheduled retry can start immediately, whatever else is in progress', async () => {
  const { app } = await open(PHASES.waiting, (app) => {
    app.answers.control = () => new Promise(() => undefined);
  });
  await fireEvent.click(button(t.control.retry));
  await settle();
  expect(button(t.control.diagnostics).ariaDisabled).toBe('true');
  expect(button(t.control.retry).ariaDisabled).toBe('false');
  await fireEvent.click(button(t.control.retry));
  expect(app.commands('control')).toEqual([{ action: 'retry_now' }, { action: 'retry_now' }]);
});

const WITH_SERVICE = (Object.keys(PHASES) as Phase[]).filter(
  (phase) => !['unconfigured', 'stopped', 'failed'].includes(phase),
);

test.each(WITH_SERVICE)('a service that is %s can only be stopped after its requests finish', (phase) => {
  const service = { ...PHASES[phase], mode: 'attached' as const };
  const { shown, more } = buttonsOf(service);
  for (const gone of ['restart', 'stop', 'retry_now']) expect([...shown, ...more]).not.toContain(gone);
  expect(shown).not.toContain('shutdown_when_done');
  if (phase !== 'terminating') expect(more).toContain('shutdown_when_done');
  expect(textOf('shutdown_when_done', service)).toBe(t.control.endService);
  expect(textOf('quit_now', service)).toBe(t.control.leave);
});

test('a service’s models are shown, with the reason why they cannot be changed here', async () => {
  await open({ ...PHASES.ready, mode: 'attached' });
  const toggle = screen.getByRole('switch', { name: t.models.share('qwen3:32b') }) as HTMLInputElement;
  expect(toggle.disabled).toBe(true);
  const why = document.getElementById(toggle.getAttribute('aria-describedby')!);
  expect(why?.textContent).toBe(t.models.serviceText);
});

test('no models, no shared models, and no models of a service have different texts', () => {
  const withheld = [aModel({ offered: false })];
  const text = (over: Partial<Snapshot>) => heroOf(aSnapshot(over), 0, NOW).text;
  expect(text({ models: [] })).toBe(t.hero.ready.noModels);
  expect(text({ models: withheld })).toBe(t.hero.ready.noneShared);
  expect(text({ models: withheld, mode: 'attached' })).toBe(t.hero.ready.noneOfService);
});

test('the countdown continues between snapshots, and only the title is announced', async () => {
  await open(PHASES.waiting);
  expect(screen.getByText(t.hero.waiting.text('pool.example.com', 8))).toBeTruthy();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(screen.getByText(t.hero.waiting.text('pool.example.com', 5))).toBeTruthy();
  const announced = screen.getAllByRole('status').map((status) => status.textContent);
  expect(announced.some((text) => text?.includes('Reconnecting in'))).toBe(false);
});

test('a pause that ends tomorrow shows the day', () => {
  const tomorrow = new Date(NOW);
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(7, 0, 0, 0);
  const { text } = heroOf(aSnapshot({ phase: 'paused', paused_until: tomorrow.getTime() }), 0, NOW);
  expect(text).toMatch(/Sun/);
  expect(text).toMatch(/07:00/);
  expect(heroOf(aSnapshot({ phase: 'paused' }), 0, NOW).text).toBe(t.hero.paused.text(null));
});

test.each([
  [{ rule: 'on_battery' }, 'Paused: on battery'],
  [{ rule: 'battery_low', percent: 18 }, 'Paused: battery at 18 %'],
  [{ rule: 'battery_saver' }, 'Paused: battery saver is on'],
  [{ rule: 'program', name: HOSTILE }, `Paused: ${HOSTILE} is running`],
] as [PausedBy, string][])('the rule that pauses sharing is named: %o', (paused_by, title) => {
  const words = heroOf(aSnapshot({ phase: 'paused', running: 2, paused_by }), 0, NOW);
  expect(words.title).toBe(title);
  expect(words.text).toContain(t.hero.paused.left(2));
});

test('a pause outside the hours shows when it ends', () => {
  const paused_until = new Date(NOW).setHours(20, 0, 0, 0);
  const { title } = heroOf(
    aSnapshot({ phase: 'paused', paused_by: { rule: 'hours' }, paused_until }),
    0,
    NOW,
  );
  expect(title).toBe('Paused until 20:00');
});

test('a rule can be overridden or changed', async () => {
  const { app } = await open(aSnapshot({ phase: 'paused', paused_by: { rule: 'on_battery' }, running: 1 }));
  expect(controls()).toEqual([t.control.anyway, t.control.rules, t.control.stopNow, t.control.more]);
  await fireEvent.click(button(t.control.anyway));
  expect(app.commands('control')).toEqual([{ action: 'resume' }]);
  await fireEvent.click(button(t.control.rules));
  await settle();
  expect(screen.getByRole('tab', { selected: true }).textContent).toContain(t.preferences.serve.title);
  // Opening Preferences directly starts with the first section.
  await app.send('go', 'status');
  await app.send('go', 'preferences');
  await settle();
  expect(screen.getByRole('tab', { selected: true }).textContent).toContain(t.preferences.app);
});

test('a model’s switch shows the actual state', async () => {
  const { app } = await open(PHASES.ready, (app) => {
    app.answers.offer = () => {
      throw aProblem('Couldn’t save worker.yaml', {
        why: 'permission denied',
        fix: 'Check who owns the file.',
      });
    };
  });
  const toggle = screen.getByRole('switch', { name: t.models.share('qwen3:32b') }) as HTMLInputElement;
  await fireEvent.click(toggle);
  await settle();
  expect(app.commands('offer')).toEqual([{ model: 'qwen3:32b', offered: false }]);
  expect(toggle.checked).toBe(true);
  const alert = screen.getByRole('alert').textContent;
  for (const part of ['Couldn’t save worker.yaml', 'permission denied', 'Check who owns the file.']) {
    expect(alert).toContain(part);
  }
  await fireEvent.click(button(t.dismiss));
  expect(screen.queryByRole('alert')).toBeNull();

  await app.send('snapshot', aSnapshot({ models: [aModel({ name: 'qwen3:32b', offered: false })] }));
  await settle();
  expect((screen.getByRole('switch') as HTMLInputElement).checked).toBe(false);
});

test('after a crash, the last log lines and a start button are shown', async () => {
  const { app } = await open(PHASES.failed);
  const lines = screen.getByRole('region', { name: t.crash.lines });
  expect(lines.textContent).toContain('address in use');
  await fireEvent.click(button(t.control.startAgain));
  expect(app.commands('control')).toEqual([{ action: 'start' }]);
});

test('a problem links to the view that fixes it', async () => {
  const { app } = await open(
    aSnapshot({
      trouble: { what: 'Worker key rejected', at: NOW, fix: 'Enter another key.', action: 'preferences' },
    }),
  );
  await fireEvent.click(button(t.control.preferences));
  await settle();
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(t.views.preferences);

  await app.send('go', 'status');
  await app.send('snapshot', PHASES.waiting);
  await settle();
  await fireEvent.click(button(t.control.diagnostics));
  await settle();
  expect(app.commands('doctor')).toHaveLength(1);
});

test('untrusted names stay text', async () => {
  const { container } = await open(
    aSnapshot({ models: [aModel({ name: HOSTILE })], worker: { name: HOSTILE, id: 'x', version: '2' } }),
  );
  expect(screen.getAllByText(HOSTILE).length).toBeGreaterThan(1);
  expect(container.querySelector('img')).toBeNull();
});

test('a state that cannot be loaded is reported, and can be loaded again', async () => {
  const { app } = await openWindow('status', (app) => {
    app.answers.snapshot = () => {
      throw new Error('no such command');
    };
  });
  expect(screen.getByText(t.noSnapshot)).toBeTruthy();
  expect(screen.getByRole('alert').textContent).toContain('no such command');
  delete app.answers.snapshot;
  await fireEvent.click(button(t.again));
  await settle();
  expect(heading()).toBe(t.hero.ready.title);
});

test('the tray menu and shortcuts open views', async () => {
  const { app } = await open(PHASES.ready);
  await app.send('go', 'about');
  await settle();
  expect(document.title).toBe(t.title(t.views.about));
  await app.send('go', 'nowhere');
  await settle();
  expect(document.title).toBe(t.title(t.views.about));
  await fireEvent.keyDown(window, { key: ',', ctrlKey: true });
  await settle();
  expect(document.title).toBe(t.title(t.views.preferences));
  await fireEvent.keyDown(window, { key: '3', ctrlKey: true });
  await settle();
  expect(document.title).toBe(t.title(t.views.logs));
});

test('the focus moves to an opened view, or stays in the navigation if that was used', async () => {
  await open(PHASES.ready);
  expect(document.activeElement).toBe(document.body);
  const entry = (view: keyof typeof t.views) => button(t.views[view]);
  entry('about').focus();
  await fireEvent.click(entry('about'));
  await settle();
  expect(document.activeElement).toBe(entry('about'));
  await fireEvent.keyDown(window, { key: '3', ctrlKey: true });
  await settle();
  expect(document.activeElement).toBe(screen.getByRole('heading', { level: 1 }));
  expect(document.activeElement?.textContent).toBe(t.logs.title);
});

test('an older response never replaces a newer event', async () => {
  let answer!: (snapshot: Snapshot) => void;
  const { app } = await openWindow('status', (app) => {
    app.answers.snapshot = () => new Promise<Snapshot>((resolve) => (answer = resolve));
  });
  await vi.advanceTimersByTimeAsync(50);
  await app.send('snapshot', PHASES.busy);
  answer(PHASES.stopped);
  await settle();
  expect(heading()).toBe(t.hero.busy.title);
});
