// The words in the language of the system, as far as there is a catalogue for it.

import { en, type Strings } from './strings/en';

const CATALOGUES: Record<string, Strings> = { en };

/** The first of the wanted languages that there is, by its tag or its first part. */
export function choose(wanted: readonly string[]): { language: string; strings: Strings } {
  for (const tag of wanted) {
    for (const language of [tag, tag.split('-')[0]!]) {
      const strings = CATALOGUES[language.toLowerCase()];
      if (strings) return { language, strings };
    }
  }
  return { language: 'en', strings: en };
}

const chosen = choose(navigator.languages);
export const t: Strings = chosen.strings;
export const language = chosen.language;
