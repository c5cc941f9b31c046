import { cleanup, fireEvent, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { aProblem, type FakeApp } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { anApp, aPreferences, PHASES, unreadable, withField } from '../testing/app/samples';
import { t } from './strings';

standStill();
const words = t.preferences;

async function open(section: string, prepare?: (app: FakeApp) => void) {
  const opened = await openWindow('preferences', prepare);
  await fireEvent.click(screen.getByRole('tab', { name: new RegExp(`^${section}`) }));
  return opened;
}
const box = (name: string) => screen.getByRole('textbox', { name }) as HTMLInputElement;
const type = (name: string, value: string) => fireEvent.input(box(name), { target: { value } });
const press = async (name: string | RegExp) => {
  await fireEvent.click(screen.getByRole('button', { name }));
  await settle();
};
const save = () => screen.getByRole('button', { name: words.bar.save }) as HTMLButtonElement;

test('an invalid value is marked in place, with the reason, when typing pauses', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '1');
  await type('Requests at a time', '10000');
  await type('Requests at a time', 'x');
  expect(save().disabled).toBe(true);
  await vi.advanceTimersByTimeAsync(300);
  expect(app.commands('check_preference')).toEqual([{ key: 'max_concurrency', value: 'x' }]);
  expect(box('Requests at a time').getAttribute('aria-invalid')).toBe('true');
  const described = box('Requests at a time').getAttribute('aria-describedby')!.split(' ');
  expect(described.map((id) => document.getElementById(id)!.textContent).join()).toContain('1 to 4096');
  expect(save().disabled).toBe(true);
  expect(screen.getByText(words.bar.wrong(1))).toBeTruthy();

  await type('Requests at a time', '8');
  await vi.advanceTimersByTimeAsync(300);
  expect(box('Requests at a time').getAttribute('aria-invalid')).toBeNull();
  expect(save().disabled).toBe(false);
});

test('only changes are saved, and each shows its effect', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '8');
  expect(screen.getByText(words.now)).toBeTruthy();
  await vi.advanceTimersByTimeAsync(300);
  expect(screen.getByText(words.bar.now)).toBeTruthy();
  await fireEvent.change(screen.getByRole('combobox', { name: 'Kind of runtime' }), {
    target: { value: 'vllm' },
  });
  await vi.advanceTimersByTimeAsync(300);
  expect(screen.getByText(words.restart)).toBeTruthy();
  expect(screen.getByText(words.bar.restart)).toBeTruthy();
  await press(words.bar.save);
  expect(app.commands('save_preferences')).toEqual([
    { changes: { max_concurrency: '8', runtime_kind: 'vllm' } },
  ]);
  expect(screen.getAllByText(words.savedRestarted).length).toBeGreaterThan(0);
});

test('discarding, typing the old value, and the default undo a change', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '8');
  await type('Requests at a time', '4');
  expect(screen.queryByText(words.bar.changes(1))).toBeNull();
  await type('Requests at a time', '9');
  await press(words.bar.discard);
  expect(box('Requests at a time').value).toBe('4');

  await press(words.toDefaultOf('Requests at a time'));
  await press(words.bar.save);
  expect(app.commands('save_preferences')).toEqual([{ changes: { max_concurrency: null } }]);
});

test('a secret is never shown, only replaced or removed', async () => {
  const { app, container } = await open('Server', (app) => {
    // Not even if the app sends one by mistake.
    app.preferences = withField(app.preferences, 'client_key', { value: 'hunter2' });
  });
  expect(container.innerHTML).not.toContain('hunter2');
  await press(words.secret.replaceOf('Client key'));
  const input = screen.getByLabelText(words.secret.new('Client key')) as HTMLInputElement;
  expect([input.type, input.value]).toEqual(['password', '']);
  await fireEvent.input(input, { target: { value: 'new-key' } });
  await vi.advanceTimersByTimeAsync(300);
  await press(words.bar.save);
  expect(app.commands('save_preferences')).toEqual([{ changes: { client_key: 'new-key' } }]);
  expect(container.innerHTML).not.toContain('new-key');
  expect(screen.queryByLabelText(words.secret.new('Client key'))).toBeNull();

  await press(words.secret.clearOf('Client key'));
  expect(screen.getByText(words.secret.willClear)).toBeTruthy();
  await press(words.bar.save);
  expect(app.commands('save_preferences').at(-1)).toEqual({ changes: { client_key: null } });
});

test('an edit of the file appears immediately, without changing a field that is being edited', async () => {
  const { app } = await open('Runtime');
  await type('Hidden models', 'qwen3:32b');
  let edited = withField(aPreferences(), 'max_concurrency', { value: '16' });
  edited = withField(edited, 'models_withheld', { value: 'llama*' });
  await app.send('preferences', edited);
  await settle();
  expect(box('Requests at a time').value).toBe('16');
  expect(box('Hidden models').value).toBe('qwen3:32b');
  expect(screen.getByText(words.changedInFile('llama*'), { exact: false })).toBeTruthy();

  await press(words.useFileValue);
  expect(box('Hidden models').value).toBe('llama*');
  expect(screen.queryByText(words.bar.changes(1))).toBeNull();
});

test('a setting from the environment is locked, with the reason', async () => {
  await open('Logs');
  expect(box('Log folder').readOnly).toBe(true);
  expect(screen.getByText(words.locked)).toBeTruthy();
});

test('a setting that a background service reads at start is not reported as applied', async () => {
  await open('Runtime', (app) => {
    app.preferences = withField(aPreferences(), 'runtime_kind', { effect: 'service' });
    app.answers.save_preferences = () => ({ effect: 'service', applied: ['runtime_kind'] });
  });
  await fireEvent.change(screen.getByRole('combobox', { name: 'Kind of runtime' }), {
    target: { value: 'vllm' },
  });
  await vi.advanceTimersByTimeAsync(300);
  expect(screen.getByText(words.service)).toBeTruthy();
  expect(screen.getByText(words.bar.service)).toBeTruthy();
  await press(words.bar.save);
  expect(screen.getAllByText(words.savedService).length).toBeGreaterThan(0);
});

test('an invalid value in the file is marked from the start', async () => {
  await open('Runtime', (app) => {
    const wrong = { value: 'many', problem: 'Enter a number' };
    app.preferences = withField(aPreferences(), 'max_concurrency', wrong);
  });
  expect(box('Requests at a time').getAttribute('aria-invalid')).toBe('true');
  expect(screen.getByRole('tab', { name: /Runtime/ }).textContent).toContain(words.wrong);
});

test('unknown settings in the file are reported', async () => {
  const warning = 'Line 3: client_nane is unknown; client_name is meant?';
  const { app } = await open('Runtime', (app) => {
    app.preferences = aPreferences({ warnings: [warning] });
  });
  expect(screen.getByText(warning)).toBeTruthy();
  await app.send('preferences', aPreferences());
  await settle();
  expect(screen.queryByText(words.warnings)).toBeNull();
});

test('when the file becomes invalid, the previous values and the changes stay', async () => {
  const { app } = await open('Runtime');
  await type('Hidden models', 'qwen3:32b');
  await vi.advanceTimersByTimeAsync(300);
  await app.send('preferences', unreadable(aPreferences()));
  await settle();
  expect(screen.getByRole('alert').textContent).toContain(words.fileProblemGoesOn);
  expect(box('Hidden models').value).toBe('qwen3:32b');
  expect(box('Requests at a time').value).toBe('4'); // the last valid value
  expect(screen.queryByText(words.useFileValue)).toBeNull();
  expect(screen.getByText(words.bar.unreadable)).toBeTruthy();
  expect(save().disabled).toBe(true);

  await app.send('preferences', aPreferences());
  await settle();
  expect(screen.queryByText(words.useFileValue)).toBeNull();
  expect(save().disabled).toBe(false);
  await app.send('preferences', withField(aPreferences(), 'models_withheld', { value: 'llama*' }));
  await settle();
  expect(screen.getByText(words.useFileValue)).toBeTruthy();
});

test('a file that is invalid from the start has no values, and no worker is running', async () => {
  const { app } = await open('Runtime', (app) => {
    app.preferences = unreadable(app.preferences);
    app.snapshot = PHASES.failed;
  });
  const alert = screen.getByRole('alert').textContent;
  expect(alert).toContain('Line 7');
  expect(alert).toContain(words.fileProblemText);
  expect(screen.queryByText(words.isDefault)).toBeNull();
  expect(screen.getByText(words.secret.unknown)).toBeTruthy();
  await type('Requests at a time', '8');
  await vi.advanceTimersByTimeAsync(300);
  await app.send('preferences', aPreferences());
  await settle();
  expect(box('Requests at a time').value).toBe('8');
  expect(screen.queryByText(words.useFileValue)).toBeNull();
  expect(screen.getAllByText(words.isDefault).length).toBeGreaterThan(0);
});

test('unsaved changes are restored in the next window, except secrets', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '8');
  await fireEvent.click(screen.getByRole('tab', { name: /Server/ }));
  await press(words.secret.replaceOf('Client key'));
  await fireEvent.input(screen.getByLabelText(words.secret.new('Client key')), {
    target: { value: 'hunter2' },
  });
  expect(screen.getByText(words.bar.secrets)).toBeTruthy();
  await fireEvent.keyDown(window, { key: 'w', ctrlKey: true });
  await settle();
  expect(app.kept).toContain('max_concurrency');
  expect(JSON.stringify(app.commands('keep_drafts'))).not.toMatch(/hunter2|client_key/);
  cleanup();

  const next = await openWindow('status', (next) => {
    next.kept = app.kept;
    next.preferences = withField(next.preferences, 'max_concurrency', { value: '16' });
  });
  expect(screen.getByText(t.unsaved)).toBeTruthy();
  await next.app.send('go', 'preferences');
  await vi.advanceTimersByTimeAsync(300);
  await fireEvent.click(screen.getByRole('tab', { name: /Runtime/ }));
  expect(box('Requests at a time').value).toBe('8');
  expect(screen.getByText(words.changedInFile('16'), { exact: false })).toBeTruthy();
  await press(words.bar.discard);
  await vi.advanceTimersByTimeAsync(300);
  expect(next.app.kept).toBeNull();
});

test('a window that is closed saves the last keystroke', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '8');
  await fireEvent(window, new Event('pagehide'));
  expect(app.kept).toContain('"8"');
});

test('a value that the app rejects is marked in place and kept', async () => {
  await open('Runtime', (app) => {
    app.answers.save_preferences = () => {
      throw aProblem('Not saved', { why: 'More than this machine can take', field: 'max_concurrency' });
    };
  });
  await type('Requests at a time', '4000');
  await vi.advanceTimersByTimeAsync(300);
  await fireEvent.click(screen.getByRole('tab', { name: /Server/ }));
  await press(words.bar.save);
  expect(screen.getByRole('tab', { selected: true }).textContent).toContain('Runtime');
  expect(box('Requests at a time').value).toBe('4000');
  expect(box('Requests at a time').getAttribute('aria-invalid')).toBe('true');
});

test('unsaved changes survive a switch to another view', async () => {
  const { app } = await open('Runtime');
  await type('Requests at a time', '8');
  await app.send('go', 'logs');
  await settle();
  expect(screen.getByText(t.unsaved)).toBeTruthy();
  await app.send('go', 'preferences');
  await vi.advanceTimersByTimeAsync(300);
  await fireEvent.click(screen.getByRole('tab', { name: /Runtime/ }));
  expect(box('Requests at a time').value).toBe('8');
  expect(save().disabled).toBe(false);
});

test('arrow keys move between tabs', async () => {
  await openWindow('preferences');
  const [app] = screen.getAllByRole('tab');
  app!.focus();
  await fireEvent.keyDown(app!, { key: 'ArrowRight' });
  await settle();
  expect(document.activeElement?.textContent).toContain(words.serve.title);
  await fireEvent.keyDown(document.activeElement!, { key: 'Home' });
  await settle();
  expect(document.activeElement).toBe(app);
});

test('the app’s settings are saved immediately, and restored if that fails', async () => {
  const { app } = await openWindow('preferences');
  const login = () =>
    screen.getByRole('switch', { name: new RegExp(words.startAtLogin) }) as HTMLInputElement;
  await fireEvent.click(login());
  await settle();
  expect(app.appPreferences.start_at_login).toBe(true);
  expect(login().checked).toBe(true);
  await fireEvent.click(screen.getByRole('switch', { name: words.notificationKinds.paused }));
  await settle();
  expect(app.appPreferences.notify.paused).toBe(true);
  const awake = screen.getByRole('switch', { name: new RegExp(words.holdSleep) }) as HTMLInputElement;
  expect(awake.checked).toBe(false);
  await fireEvent.click(awake);
  await settle();
  expect(app.appPreferences.hold_sleep).toBe(true);

  app.answers.save_app_preferences = () => {
    throw aProblem('Couldn’t remove the login item', { fix: 'Remove it in the system settings.' });
  };
  await fireEvent.click(login());
  await settle();
  expect(login().checked).toBe(true);
  expect(screen.getByRole('alert').textContent).toContain('Remove it in the system settings.');
});

test('a package manager’s updates cannot be configured here', async () => {
  await openWindow('preferences', (app) => (app.appPreferences = anApp({ updates_managed_by: 'apt' })));
  expect(screen.getByText(words.managed('apt'))).toBeTruthy();
  expect(screen.queryByRole('radio')).toBeNull();
});

test('errors in desktop.yaml are shown until the file is saved again', async () => {
  const { app } = await open(words.app, (app) => {
    app.appPreferences = { ...app.appPreferences, file_problem: 'The value of updates is not valid.' };
    app.answers.save_app_preferences = () => {
      app.appPreferences = { ...app.appPreferences, file_problem: null };
    };
  });
  expect(screen.getByRole('alert').textContent).toContain('updates');
  await fireEvent.click(screen.getByRole('switch', { name: new RegExp(words.startAtLogin) }));
  await settle();
  expect(app.commands('save_app_preferences')).toHaveLength(1);
  expect(screen.queryByRole('alert')).toBeNull();
});
