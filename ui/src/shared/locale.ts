// Without a language in the environment (LANG=C.UTF-8), WebKitGTK reports the language "C". That is not a valid tag, and uPlot
// passes it to Intl when it is loaded, which throws. So every page imports this file first.

/** Sets the navigator's language to English if it is not valid. */
export function mendLanguage(navigator: Navigator) {
  try {
    new Intl.Locale(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
  }
}

mendLanguage(navigator);
