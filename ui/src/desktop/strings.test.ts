import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'svelte/compiler';
import { expect, test } from 'vitest';
import { mendLanguage } from '../shared/locale';
import { choose, t } from './strings';
import { en } from './strings/en';
import { pluralOf } from './strings/plural';
import { platformOf } from './platform';

const components = readdirSync('src/desktop', { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.svelte'),
);

/** Attributes with text for people. */
const READ = new Set(['aria-label', 'aria-description', 'title', 'placeholder', 'alt', 'label', 'text']);

interface Node {
  type?: string;
  name?: string;
  data?: string;
  value?: unknown;
  [key: string]: unknown;
}

/** Text in the markup of a component that belongs in the catalogue. */
function literals(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) node.forEach((one) => literals(one, found));
  else if (typeof node === 'object' && node !== null) {
    const { type, name, data, value } = node as Node;
    if (type === 'Attribute' && !READ.has(name!)) {
      // Only its expressions may contain a snippet.
      if (Array.isArray(value))
        value.filter((part) => part.type !== 'Text').forEach((part) => literals(part, found));
      else literals(value, found);
      return found;
    }
    if (type === 'StyleDirective') return found;
    if (type === 'Text' && /\p{L}/u.test(data!)) found.push(data!.trim());
    for (const child of Object.values(node as Node)) literals(child, found);
  }
  return found;
}

test.each(components)('%s has no literal text', (name) => {
  const source = readFileSync(`src/desktop/${name}`, 'utf8');
  const { fragment } = parse(source, { modern: true });
  expect(literals(fragment)).toEqual([]);
});

test('literal text in the markup is found', () => {
  const source = '<p title="Read me">{t.a} and more</p><i class="not me">{#if x}inside{/if}</i>';
  expect(literals(parse(source, { modern: true }).fragment)).toEqual(['Read me', 'and more', 'inside']);
});

test('every key of the catalogue is used', () => {
  const sources = readdirSync('src/desktop', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(svelte|ts)$/.test(name) && !name.startsWith('strings/') && !name.includes('.test.'))
    .map((name) => readFileSync(`src/desktop/${name}`, 'utf8'))
    .join('\n');
  const named = (part: object): string[] =>
    Object.entries(part).flatMap(([key, value]) => [
      key,
      ...(typeof value === 'object' && value !== null && !Array.isArray(value) ? named(value) : []),
    ]);
  // Keys that match values of the app are looked up dynamically.
  const looked = new Set(
    [
      en.phase,
      en.kinds,
      en.live.state,
      en.hero,
      en.preferences.choose,
      en.preferences.notificationKinds,
      en.preferences.updateModes,
      en.preferences.serve.batteryModes,
      en.preferences.serve.days,
    ]
      .flatMap(named)
      .concat(
        named(en.control.pauseFor),
        named(en.logs.levels),
        named(en.diagnostics.outcome),
        named(en.about.state),
      ),
  );
  const unused = named(en).filter((name) => !looked.has(name) && !new RegExp(`\\b${name}\\b`).test(sources));
  expect(unused).toEqual([]);
});

test('the system’s language is used if it has a catalogue', () => {
  expect(choose(['en-GB', 'fr']).language).toBe('en');
  expect(choose(['xx', 'yy-ZZ'])).toEqual({ language: 'en', strings: en });
  expect(t).toBe(en);
});

test('plurals follow the language', () => {
  const polish = pluralOf('pl');
  const forms = { one: '# model', few: '# modele', many: '# modeli', other: '# modelu' };
  expect([1, 2, 5, 22].map((n) => polish(n, forms))).toEqual([
    '1 model',
    '2 modele',
    '5 modeli',
    '22 modele',
  ]);
  expect(pluralOf('en')(1_234, { one: '#', other: '# lines' })).toBe('1,234 lines');
});

test('an invalid language is replaced, others are unchanged', () => {
  const [posix, french] = [{ language: 'C' }, { language: 'fr-CA' }] as Navigator[];
  mendLanguage(posix!);
  mendLanguage(french!);
  expect([posix!.language, french!.language]).toEqual(['en', 'fr-CA']);
});

test('the platform is detected from the user agent', () => {
  expect(platformOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)')).toBe('macos');
  expect(platformOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64)')).toBe('windows');
  expect(platformOf('Mozilla/5.0 (X11; Linux x86_64)')).toBe('linux');
});
