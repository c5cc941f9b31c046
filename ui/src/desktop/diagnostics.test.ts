import { fireEvent, screen, within } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { aProblem } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { aCheck, anApp, aSnapshot, CHECKS, REPORT } from '../testing/app/samples';
import { t } from './strings';

standStill();
const words = t.diagnostics;
const press = async (name: string) => {
  await fireEvent.click(screen.getByRole('button', { name }));
  await settle();
};
const rows = () => within(screen.getByRole('region', { name: words.title })).queryAllByRole('listitem');

test('checks appear as they finish, with a summary at the end', async () => {
  const { app } = await openWindow('diagnostics');
  await press(words.run);
  expect(screen.getByText(words.running(0))).toBeTruthy();
  await app.send('check', CHECKS[0]!);
  await app.send('check', CHECKS[5]!);
  await settle();
  expect(rows()).toHaveLength(2);
  expect(screen.getByText(words.running(2))).toBeTruthy();
  const failed = rows()[1]!.textContent!;
  for (const part of [CHECKS[5]!.title, words.outcome.failed, CHECKS[5]!.found, CHECKS[5]!.fix!]) {
    expect(failed).toContain(part);
  }
  await app.send('checked', CHECKS);
  await settle();
  expect(rows()).toHaveLength(CHECKS.length);
  expect(screen.getByText(words.found(1, 1))).toBeTruthy();
  await press(words.rerun);
  expect(rows()).toHaveLength(0);
  await app.send('checked', [aCheck({ id: 'dns', title: 'DNS' })]);
  await settle();
  expect(screen.getByText(words.allPassed(1))).toBeTruthy();
});

test('diagnostics that cannot start show why, and can run again', async () => {
  const { app } = await openWindow('diagnostics', (app) => {
    app.answers.doctor = () => {
      throw aProblem('Checks run already', { fix: 'Wait for them.' });
    };
  });
  await press(words.run);
  expect(screen.getByRole('alert').textContent).toContain('Wait for them.');
  expect(app.commands('doctor')).toHaveLength(1);
  expect((screen.getByRole('button', { name: words.run }) as HTMLButtonElement).disabled).toBe(false);
});

test('every file of a report can be reviewed before it is saved', async () => {
  const { app } = await openWindow('diagnostics');
  await press(words.make);
  const dialog = within(screen.getByRole('dialog'));
  for (const { name, text } of REPORT) {
    await fireEvent.click(
      dialog.getByRole('button', { name: new RegExp(`^${name.replaceAll('.', '\\.')}`) }),
    );
    expect(dialog.getByRole('region', { name }).textContent).toBe(text);
  }
  expect(app.commands('save_report')).toHaveLength(0);
  await press(words.save);
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByText('~/Downloads/llamapool-report-2026-11-21.zip', { exact: false })).toBeTruthy();
  await press(words.show);
  expect(app.commands('open')).toEqual([{ what: 'report_folder' }]);
});

test('about: version, licence, and a check for updates', async () => {
  const { app } = await openWindow('about');
  expect(screen.getByText(t.about.version('2.0.0'), { exact: false })).toBeTruthy();
  await press(t.about.check);
  expect(app.commands('check_update')).toHaveLength(1);
  const update = { ...aSnapshot().update, state: 'staged' as const, version: '2.1.0', notes: 'Faster.' };
  await app.send('snapshot', aSnapshot({ update }));
  await settle();
  expect(screen.getByText(t.about.state.staged('2.1.0'))).toBeTruthy();
  expect(screen.getByText('Faster.')).toBeTruthy();
  await press(t.about.restart);
  expect(app.commands('restart_to_update')).toHaveLength(1);
  await app.send('snapshot', aSnapshot({ update: { ...update, state: 'available' } }));
  await settle();
  expect(screen.getByText(t.about.state.available('2.1.0'))).toBeTruthy();
  await press(t.about.get);
  expect(app.commands('open')).toEqual([{ what: 'release_notes' }]);
});

test('about: licences are loaded only when they are opened', async () => {
  const { app, container } = await openWindow('about');
  expect(app.commands('third_party')).toEqual([]);
  const details = container.querySelector('details')!;
  details.open = true;
  await vi.advanceTimersByTimeAsync(10);
  expect(screen.getByRole('region', { name: t.about.thirdPartyList }).textContent).toContain('tokio');
  details.open = false;
  await vi.advanceTimersByTimeAsync(10);
  expect(screen.queryByRole('region', { name: t.about.thirdPartyList })).toBeNull();
});

test('about: why updates are managed elsewhere', async () => {
  await openWindow('about', (app) => {
    app.appPreferences = anApp({ updates_managed_by: 'Homebrew' });
    app.snapshot = aSnapshot({ update: { ...aSnapshot().update, state: 'off', why: 'managed' } });
  });
  expect(screen.getByText(t.about.managed('Homebrew'))).toBeTruthy();
  expect(screen.queryByRole('button', { name: t.about.check })).toBeNull();
});
