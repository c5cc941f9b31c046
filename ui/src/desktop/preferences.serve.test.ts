import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { aProblem, type FakeApp } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { anApp } from '../testing/app/samples';
import type { AppPreferences } from './bindings/AppPreferences';
import { t } from './strings';
import type { ServeForm } from './types';

standStill();
const words = t.preferences.serve;
const LOW = 'Enter a percentage above the lower limit, up to 100';

/** Rejects limits in the wrong order, as the app does. */
function validating(app: FakeApp) {
  app.answers.save_app_preferences = ({ preferences }) => {
    const wanted = preferences as AppPreferences;
    if (Number(wanted.serve.battery_low) >= Number(wanted.serve.battery_high))
      throw aProblem('That rule is not valid', { why: LOW, field: 'battery_high' });
    if (wanted.serve.days.length === 0)
      throw aProblem('That rule is not valid', { why: 'Choose at least one day', field: 'days' });
    app.appPreferences = wanted;
  };
}

async function open(serve: Partial<ServeForm> = {}) {
  const { app } = await openWindow('preferences', (app) => {
    app.appPreferences = anApp({ serve: { ...anApp().serve, ...serve } });
    validating(app);
  });
  await fireEvent.click(screen.getByRole('tab', { name: words.title }));
  return app;
}
const box = (name: string) => screen.getByRole('textbox', { name }) as HTMLInputElement;
const enter = async (name: string, value: string) => {
  await fireEvent.change(box(name), { target: { value } });
  await settle();
};
const described = (name: string) =>
  box(name)
    .getAttribute('aria-describedby')!
    .split(' ')
    .map((id) => document.getElementById(id)?.textContent ?? '')
    .join(' ');

test('a rule is saved immediately, and shows its options', async () => {
  const app = await open({ on_battery: 'always', only_in_hours: false });
  expect(screen.queryByRole('textbox', { name: words.low })).toBeNull();
  expect(screen.queryByRole('group', { name: words.onDays })).toBeNull();
  await fireEvent.click(screen.getByRole('radio', { name: new RegExp(words.batteryModes.above.name) }));
  await fireEvent.click(screen.getByRole('switch', { name: new RegExp(words.onlyInHours) }));
  await fireEvent.click(screen.getByRole('switch', { name: new RegExp(words.saver) }));
  await settle();
  expect(app.appPreferences.serve).toMatchObject({
    on_battery: 'above',
    only_in_hours: true,
    pause_in_battery_saver: true,
  });
  expect(box(words.low).value).toBe('20');
  expect(screen.getByText(words.overnight)).toBeTruthy();
});

test('a rejected value is marked in place and kept until it is valid', async () => {
  const app = await open();
  await enter(words.low, '60');
  expect(app.appPreferences.serve.battery_low).toBe('20');
  expect([box(words.low).value, box(words.high).value]).toEqual(['60', '50']);
  expect(box(words.high).getAttribute('aria-invalid')).toBe('true');
  expect(described(words.high)).toContain(LOW);
  expect(screen.getByRole('tab', { selected: true }).textContent).toContain(t.preferences.wrong);

  // Another rule can still be changed.
  await fireEvent.click(screen.getByRole('switch', { name: new RegExp(words.onlyInHours) }));
  await settle();
  expect(app.appPreferences.serve).toMatchObject({ only_in_hours: false, battery_low: '20' });
  expect(box(words.low).value).toBe('60');

  await enter(words.high, '80');
  expect(app.appPreferences.serve).toMatchObject({ battery_low: '60', battery_high: '80' });
  expect(box(words.high).getAttribute('aria-invalid')).toBeNull();
  expect(screen.getByRole('tab', { selected: true }).textContent).not.toContain(t.preferences.wrong);
});

test('days are chosen one by one, and at least one must remain', async () => {
  const app = await open({ days: ['mon', 'sat'] });
  const day = (name: string) => screen.getByRole('checkbox', { name }) as HTMLInputElement;
  await fireEvent.click(day(words.days.wed));
  await settle();
  expect(app.appPreferences.serve.days).toEqual(['mon', 'wed', 'sat']);
  for (const name of [words.days.mon, words.days.wed, words.days.sat]) {
    await fireEvent.click(day(name));
    await settle();
  }
  expect(app.appPreferences.serve.days).toEqual(['sat']);
  expect(screen.getByRole('group', { name: words.onDays }).textContent).toContain('at least one day');
  await fireEvent.click(day(words.days.sun));
  await settle();
  expect(app.appPreferences.serve.days).toEqual(['sun']);
});

test('apps are entered by name, and shown as the app saved them', async () => {
  const app = await open({ pause_while: '' });
  await enter(words.pauseWhile, 'steam, blender');
  expect(app.appPreferences.serve.pause_while).toBe('steam, blender');
  expect(app.commands('app_preferences').length).toBeGreaterThan(1);
});

test('an edit of the file appears immediately, without changing a field that is being edited', async () => {
  const app = await open({ on_battery: 'above' });
  await enter(words.low, '60');
  app.appPreferences = anApp({ serve: { ...anApp().serve, on_battery: 'above', pause_while: 'obs' } });
  await app.send('preferences', app.preferences);
  await settle();
  expect(box(words.pauseWhile).value).toBe('obs');
  expect(box(words.low).value).toBe('60');
});

test('a value that cannot be saved for another reason is restored, with the reason', async () => {
  const app = await open();
  app.answers.save_app_preferences = () => {
    throw aProblem('Couldn’t save desktop.yaml');
  };
  await enter(words.from, '21:00');
  expect(box(words.from).value).toBe('20:00');
  expect(screen.getByRole('alert').textContent).toContain('Couldn’t save desktop.yaml');
});
