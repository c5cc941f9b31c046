// The strings in the system's language, if there is a catalogue for it.

import { en, type Strings } from './strings/en';

const CATALOGUES: Record<string, Strings> = { en };

/** The first preferred language with a catalogue, by its tag or its primary subtag. */
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
