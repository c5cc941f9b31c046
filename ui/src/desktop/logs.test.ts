import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import type { FakeApp } from '../testing/app/fake';
import { openWindow, settle, standStill } from '../testing/app/open';
import { aLine, lines } from '../testing/app/samples';
import type { LogLine } from './bindings/LogLine';
import { pieces } from './logs/marked';
import { inSight, layOut, rowAt } from './logs/rows';
import { t } from './strings';
import { LogTail, MOST_LINES, textOf } from './tail.svelte';

standStill();
const words = t.logs;
const open = (shown: LogLine[], prepare: (app: FakeApp) => void = () => undefined) =>
  openWindow('logs', (app) => {
    app.lines = shown;
    prepare(app);
  });
const linesOf = (...messages: string[]) =>
  messages.map((message, seq) => aLine(seq, { message, level: 'INFO' }));
const log = () => screen.getByRole('log').textContent!;
const press = async (name: string | RegExp) => {
  await fireEvent.click(screen.getByRole('button', { name }));
  await settle();
};

test('new lines appear automatically, each once', async () => {
  const { app } = await open(linesOf('one', 'two'));
  await app.send('log', { lines: [aLine(1, { message: 'two' }), aLine(2, { message: 'three' })], next: 3 });
  await settle();
  expect(log().match(/one|two|three/g)).toEqual(['one', 'two', 'three']);
});

test('lines that arrive before the first response are kept, with the older ones', async () => {
  const { app } = await openWindow('status');
  let answer!: (batch: unknown) => void;
  app.answers.logs = () => new Promise((resolve) => (answer = resolve));
  await app.send('go', 'logs');
  await settle();
  await app.send('log', { lines: [aLine(2, { message: 'third' })], next: 3 });
  answer({ lines: linesOf('first', 'second'), next: 2 });
  await settle();
  expect(log().match(/first|second|third/g)).toEqual(['first', 'second', 'third']);
});

test('a pause holds back new lines and counts them', async () => {
  const { app } = await open(linesOf('before'));
  await press(words.pause);
  await app.send('log', { lines: [aLine(1, { message: 'meanwhile' })], next: 2 });
  await settle();
  expect(log()).not.toContain('meanwhile');
  expect(screen.getByText(words.paused(1))).toBeTruthy();
  await press(words.resume);
  expect(log()).toContain('meanwhile');
});

test('filters by level', async () => {
  await open([
    aLine(0, { level: 'ERROR', message: 'broke' }),
    aLine(1, { level: 'WARN', message: 'creaked' }),
    aLine(2, { level: 'DEBUG', message: 'hummed' }),
  ]);
  await fireEvent.change(screen.getByLabelText(words.level), { target: { value: 'WARN' } });
  await settle();
  expect(log().match(/broke|creaked|hummed/g)).toEqual(['broke', 'creaked']);
});

test('search counts, highlights and wraps around', async () => {
  await open(linesOf('alpha', 'beta alpha', 'gamma'));
  await fireEvent.keyDown(window, { key: 'f', ctrlKey: true });
  const box = screen.getByRole('searchbox');
  expect(document.activeElement).toBe(box);
  await fireEvent.input(box, { target: { value: 'ALPHA' } });
  await settle();
  expect(screen.getByText(words.matches(2, 2))).toBeTruthy();
  expect([...document.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['alpha', 'alpha']);
  await fireEvent.keyDown(box, { key: 'Enter' });
  await settle();
  expect(screen.getByText(words.matches(1, 2))).toBeTruthy();
  await fireEvent.input(box, { target: { value: 'delta' } });
  await settle();
  expect(screen.getByText(words.matches(0, 0))).toBeTruthy();
  await fireEvent.keyDown(box, { key: 'Escape' });
  await settle();
  expect(document.querySelector('mark')).toBeNull();
});

test('renders only the visible lines of five thousand, and drops the oldest', async () => {
  const { app, container } = await open(lines(0, MOST_LINES));
  expect(container.querySelectorAll('[data-seq]').length).toBeLessThan(80);
  await app.send('log', { lines: lines(MOST_LINES, 10), next: MOST_LINES + 10 });
  await settle();
  expect(screen.getByTitle(words.copyTitle(MOST_LINES))).toBeTruthy();
});

test('copies the visible lines as text', async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
  const shown = linesOf('one', 'two');
  await open(shown);
  await fireEvent.click(screen.getByTitle(words.copyTitle(2)));
  await settle();
  expect(writeText).toHaveBeenCalledWith(shown.map(textOf).join('\n'));
  expect(screen.getAllByText(words.copied).length).toBeGreaterThan(0);
});

test('the log level can be changed, and is restored if that fails', async () => {
  const { app } = await open(linesOf('one'));
  const record = screen.getByLabelText(words.recorded) as HTMLSelectElement;
  expect(record.value).toBe('info');
  await fireEvent.change(record, { target: { value: 'debug' } });
  await settle();
  expect(app.commands('set_log_level')).toEqual([{ level: 'debug' }]);
  app.answers.set_log_level = () => {
    throw new Error('no');
  };
  await fireEvent.change(record, { target: { value: 'trace' } });
  await settle();
  expect(record.value).toBe('debug');
});

test('an empty log has a message', async () => {
  await open([]);
  expect(screen.getByText(words.empty)).toBeTruthy();
});

test('a search keeps its match when new lines arrive', () => {
  const tail = new LogTail();
  tail.lines = linesOf('x', 'y', 'x');
  tail.find('x');
  expect(tail.current).toBe(2);
  tail.step(1);
  expect(tail.current).toBe(0);
  tail.step(-1);
  expect(tail.current).toBe(2);
});

test('rows are found by position', () => {
  const rows = layOut(100, (i) => (i === 3 ? 60 : undefined), 20);
  expect([0, 19, 20, 60, 119, 120].map((y) => rowAt(rows, y))).toEqual([0, 0, 1, 3, 3, 4]);
  expect(inSight(rows, 1_000, 100)).toEqual([36, 66]);
  expect(
    inSight(
      layOut(0, () => undefined, 20),
      0,
      100,
    ),
  ).toEqual([0, 0]);
});

test('text is split around matches', () => {
  expect(pieces('aXbxa', 'x')).toEqual([
    { text: 'a', found: false },
    { text: 'X', found: true },
    { text: 'b', found: false },
    { text: 'x', found: true },
    { text: 'a', found: false },
  ]);
  expect(pieces('İstanbul x', 'x')).toEqual([{ text: 'İstanbul x', found: false }]);
});
