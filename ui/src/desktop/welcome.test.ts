import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { aProblem, type FakeApp } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { PHASES, RUNTIMES } from '../testing/app/samples';
import { t } from './strings';

standStill();
const words = t.welcome;
const LINK = 'llamapool://join?server=wss://pool.example.com&key=secret-key';

const open = (prepare: (app: FakeApp) => void = () => undefined) =>
  openWindow('welcome', (app) => {
    app.snapshot = PHASES.unconfigured;
    prepare(app);
  });
const button = (name: string) => screen.getByRole('button', { name }) as HTMLButtonElement;
const press = async (name: string) => {
  await fireEvent.click(button(name));
  await settle();
};
const title = () => screen.getByRole('heading', { level: 1 }).textContent;
const type = (name: string, value: string) =>
  fireEvent.input(screen.getByLabelText(name, { selector: 'input:not([type=radio])' }), {
    target: { value },
  });

async function toModels() {
  await press(words.begin);
  await type(words.server.link, LINK);
  await settle();
  await press(words.next);
}

test('the whole first run: from a join link to tokens per second', async () => {
  const { app, container } = await open();
  expect(title()).toBe(words.start.title);
  await press(words.begin);
  expect(button(words.next).disabled).toBe(true);
  await type(words.server.link, LINK);
  await settle();
  expect(app.commands('read_join_link')).toEqual([{ text: LINK }]);
  expect(app.commands('try_server')).toEqual([
    {
      trial: { server_url: 'wss://pool.example.com/api/workers/connect', key: null, use_link_key: true },
    },
  ]);
  expect(screen.getByText(words.server.works('23 ms'))).toBeTruthy();

  await press(words.next);
  expect(title()).toBe(words.models.title);
  expect((screen.getByRole('radio', { name: /Ollama/ }) as HTMLInputElement).checked).toBe(true);
  expect((screen.getByRole('radio', { name: /LM Studio/ }) as HTMLInputElement).disabled).toBe(true);
  await fireEvent.click(screen.getByRole('switch', { name: 'deepseek-r1:8b' }));

  await press(words.next);
  const login = screen.getByRole('switch', { name: new RegExp(words.machine.login) }) as HTMLInputElement;
  expect(login.checked).toBe(false);
  await fireEvent.click(login);
  await type(words.machine.name, 'attic');

  await press(words.next);
  expect(app.commands('finish_setup')).toEqual([
    {
      setup: {
        server_url: 'wss://pool.example.com/api/workers/connect',
        key: null,
        use_link_key: true,
        runtime_url: 'http://127.0.0.1:11434/v1',
        name: 'attic',
        switched: { 'deepseek-r1:8b': false },
        start_at_login: true,
        notifications: null,
      },
    },
  ]);
  expect(title()).toBe(words.test.title);
  expect(button(words.test.send).disabled).toBe(true);
  await app.send('snapshot', PHASES.ready);
  await settle();
  await press(words.test.send);
  expect(screen.getByText('38.4')).toBeTruthy();
  expect(screen.getByText(words.test.works)).toBeTruthy();
  // The key is only in the pasted text.
  expect(container.textContent).not.toContain('secret-key');
  await press(words.done);
  expect(app.calls.some(({ command }) => command === 'plugin:window|close')).toBe(true);
});

test('address and key are tested when typing pauses, with the exact reason of a failure', async () => {
  const { app } = await open((app) => {
    app.answers.try_server = () => {
      throw aProblem('The server does not accept this key', {
        why: 'It answered 401.',
        fix: 'Copy the key again.',
        field: 'key',
      });
    };
  });
  await press(words.begin);
  await fireEvent.click(screen.getByRole('radio', { name: words.server.byHand }));
  await type(words.server.url, 'wss://pool');
  await type(words.server.url, 'wss://pool.example.com');
  await type(words.server.key, 'wrong');
  expect(app.commands('try_server')).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(app.commands('try_server')).toEqual([
    { trial: { server_url: 'wss://pool.example.com', key: 'wrong', use_link_key: false } },
  ]);
  const alert = screen.getByRole('alert').textContent;
  for (const part of ['does not accept this key', 'It answered 401.', 'Copy the key again.']) {
    expect(alert).toContain(part);
  }
  expect(screen.getByLabelText(words.server.key).getAttribute('aria-invalid')).toBe('true');
  expect(screen.getByLabelText(words.server.url).getAttribute('aria-invalid')).toBeNull();
  expect(button(words.next).disabled).toBe(true);

  delete app.answers.try_server;
  await type(words.server.key, 'right');
  expect(screen.queryByRole('alert')).toBeNull();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(button(words.next).disabled).toBe(false);
});

test('a response for an older address is ignored', async () => {
  const answers: ((trial: unknown) => void)[] = [];
  await open((app) => (app.answers.try_server = () => new Promise((resolve) => answers.push(resolve))));
  await press(words.begin);
  await fireEvent.click(screen.getByRole('radio', { name: words.server.byHand }));
  await type(words.server.url, 'wss://one');
  await vi.advanceTimersByTimeAsync(1_000);
  await type(words.server.url, 'wss://two');
  answers[0]!({ server_version: '1', latency_ms: 1, endpoint_url: '' });
  await settle();
  expect(button(words.next).disabled).toBe(true);
});

test('an invalid join link is reported', async () => {
  await open();
  await press(words.begin);
  await type(words.server.link, 'http://example.com');
  await settle();
  expect(screen.getByRole('alert').textContent).toContain('That doesn’t look like a join link');
});

test('going back keeps the input', async () => {
  await open();
  await toModels();
  await fireEvent.click(screen.getByRole('switch', { name: 'qwen3:32b' }));
  await press(words.back);
  expect(
    (screen.getByLabelText(words.server.link, { selector: 'input[type=text]' }) as HTMLInputElement).value,
  ).toBe(LINK);
  expect(button(words.next).disabled).toBe(false);
  await press(words.next);
  expect((screen.getByRole('switch', { name: 'qwen3:32b' }) as HTMLInputElement).checked).toBe(false);
});

test('every step can be skipped: then only the app’s settings are saved', async () => {
  const { app } = await open(
    (app) => (app.appPreferences = { ...app.appPreferences, first_run_done: false }),
  );
  await press(words.begin);
  await press(words.skip);
  await press(words.skip);
  await press(words.skip);
  expect(screen.getByText(words.test.skipped)).toBeTruthy();
  expect(app.commands('finish_setup')).toMatchObject([
    { setup: { server_url: '', start_at_login: null, notifications: null } },
  ]);
  expect(app.appPreferences.first_run_done).toBe(true);
  await press(words.showStatus);
  expect(document.title).toBe(t.title(t.views.status));
});

test('a link opened in the browser fills in the server step, from any step', async () => {
  const { app } = await open();
  await press(words.begin);
  await press(words.skip);
  app.answers.opened_link = () => ({
    server_url: 'wss://other.example.com/api/workers/connect',
    has_key: true,
  });
  await app.send('join', null);
  await settle();
  expect(title()).toBe(words.server.title);
  expect(screen.getByText('wss://other.example.com/api/workers/connect')).toBeTruthy();
  expect(screen.getByText(words.server.keyFromLink)).toBeTruthy();
  // The server is not contacted before the user asks.
  await vi.advanceTimersByTimeAsync(5_000);
  expect(app.commands('try_server')).toHaveLength(0);
  await press(words.server.test);
  expect(app.commands('try_server')).toMatchObject([{ trial: { use_link_key: true } }]);
  expect(button(words.next).disabled).toBe(false);
});

const OPENED = { server_url: 'wss://other.example.com/api/workers/connect', has_key: true };

test('Continue contacts the server of an opened link, and stays if that fails', async () => {
  const { app } = await open((app) => {
    app.answers.opened_link = () => OPENED;
    app.answers.try_server = () => {
      throw aProblem('That worker key isn’t valid', { field: 'key' });
    };
  });
  await settle();
  await press(words.next);
  expect(app.commands('try_server')).toHaveLength(1);
  expect(title()).toBe(words.server.title);
  expect(screen.getByRole('alert').textContent).toContain('That worker key isn’t valid');
  delete app.answers.try_server;
  await press(words.next);
  expect(title()).toBe(words.models.title);
});

test('a link’s key is only for its server, and an invalid link clears the previous one', async () => {
  const { app } = await open((app) => (app.answers.opened_link = () => OPENED));
  await settle();
  await fireEvent.click(screen.getByRole('radio', { name: words.server.byHand }));
  await type(words.server.url, 'wss://third.example.com');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(app.commands('try_server')).toMatchObject([{ trial: { use_link_key: false } }]);
  await fireEvent.click(screen.getByRole('radio', { name: words.server.byLink }));
  await type(words.server.link, LINK);
  await settle();
  expect(screen.getByText(words.server.keyFromLink)).toBeTruthy();
  await type(words.server.link, 'rubbish');
  await settle();
  expect(screen.queryByText(words.server.keyFromLink)).toBeNull();
  expect(screen.queryByText('wss://pool.example.com/api/workers/connect')).toBeNull();
  expect(button(words.next).disabled).toBe(true);
});

test('an invalid link from outside is reported', async () => {
  await open((app) => {
    app.answers.opened_link = () => {
      throw aProblem('That doesn’t look like a join link', { why: 'The link names no server' });
    };
  });
  await settle();
  expect(title()).toBe(words.server.title);
  expect(screen.getByRole('alert').textContent).toContain('The link names no server');
});

test('a computer that is set up only asks for the server', async () => {
  const { app } = await open((app) => {
    app.setup = {
      configured: true,
      runtime_url: 'http://h/v1',
      name: 'attic',
      start_at_login: true,
      notifications: false,
    };
    app.answers.opened_link = () => OPENED;
  });
  await settle();
  expect(screen.queryByRole('button', { name: words.skip })).toBeNull();
  await press(words.next);
  expect(title()).toBe(words.test.title);
  expect(app.commands('finish_setup')).toEqual([
    {
      setup: {
        server_url: OPENED.server_url,
        key: null,
        use_link_key: true,
        runtime_url: null,
        name: null,
        switched: {},
        start_at_login: null,
        notifications: null,
      },
    },
  ]);
});

test('starts with the current setup, and sends only changes', async () => {
  const { app } = await open((app) => {
    app.setup = {
      configured: false,
      runtime_url: null,
      name: 'attic',
      start_at_login: true,
      notifications: false,
    };
    const [ollama, ...others] = RUNTIMES;
    app.answers.find_runtimes = () => [{ ...ollama, withheld: ['qwen3:32b', 'deepseek-r1:8b'] }, ...others];
  });
  await toModels();
  const on = (name: string | RegExp) => (screen.getByRole('switch', { name }) as HTMLInputElement).checked;
  expect([on('qwen3:32b'), on('deepseek-r1:8b')]).toEqual([false, false]);
  await fireEvent.click(screen.getByRole('switch', { name: 'qwen3:32b' }));
  await press(words.next);
  expect([on(new RegExp(words.machine.login)), on(new RegExp(words.machine.notifications))]).toEqual([
    true,
    false,
  ]);
  await type(words.machine.name, '');
  await press(words.next);
  expect(app.commands('finish_setup')).toMatchObject([
    {
      setup: { name: '', switched: { 'qwen3:32b': true }, start_at_login: null, notifications: null },
    },
  ]);
});

test('a link that was opened before the window is shown', async () => {
  await open(
    (app) =>
      (app.answers.opened_link = () => ({
        server_url: 'wss://other.example.com/api/workers/connect',
        has_key: true,
      })),
  );
  await settle();
  expect(title()).toBe(words.server.title);
  expect(screen.getByText(words.server.keyFromLink)).toBeTruthy();
});

test('a server that requires an API key gets one, or the test is skipped', async () => {
  const { app } = await open((app) => {
    app.answers.test_request = ({ api_key }) => {
      if (api_key === 'k')
        return { model: 'm', text: 'Hi', first_byte_ms: 1, tokens_per_second: 2, total_ms: 3 };
      throw aProblem('You’re connected. To send a test, enter an API key', { field: 'api_key' });
    };
  });
  await toModels();
  await press(words.next);
  await press(words.next);
  await app.send('snapshot', PHASES.ready);
  await settle();
  expect(screen.queryByLabelText(words.test.apiKey)).toBeNull();
  await press(words.test.send);
  await fireEvent.input(screen.getByLabelText(words.test.apiKey), { target: { value: 'k' } });
  expect(button(words.done).disabled).toBe(false);
  await press(words.test.send);
  expect(screen.getByText(words.test.works)).toBeTruthy();
});

test('the first run can continue without a runtime', async () => {
  const { app } = await open((app) => (app.answers.find_runtimes = () => []));
  await toModels();
  expect(screen.getByText(words.models.none)).toBeTruthy();
  delete app.answers.find_runtimes;
  await press(words.models.again);
  expect((screen.getByRole('radio', { name: /Ollama/ }) as HTMLInputElement).checked).toBe(true);
});

test('a rejected value is shown at its step', async () => {
  await open((app) => {
    app.answers.finish_setup = () => {
      throw aProblem('The runtime address is not valid', {
        field: 'runtime_url',
        fix: 'Start it with http://',
      });
    };
  });
  await toModels();
  await press(words.next);
  await press(words.next);
  expect(title()).toBe(words.models.title);
  expect(screen.getByRole('alert').textContent).toContain('Start it with http://');
});

test('a failed test shows what to do', async () => {
  const { app } = await open((app) => {
    app.answers.test_request = () => {
      throw aProblem('No worker responded', { why: '503 no_worker', fix: 'Check that the model is shared.' });
    };
  });
  await toModels();
  await press(words.next);
  await press(words.next);
  await app.send('snapshot', PHASES.ready);
  await settle();
  await press(words.test.send);
  expect(screen.getByRole('alert').textContent).toContain('Check that the model is shared.');
});
