// Without a language in the environment (LANG=C.UTF-8), WebKitGTK says that the language is "C". That is none, and uPlot
// hands it to Intl as it is loaded, which throws. So this is the first thing that a page loads.

/** Gives a navigator whose language is none that of the catalogue there always is. */
export function mendLanguage(navigator: Navigator) {
  try {
    new Intl.Locale(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
  }
}

mendLanguage(navigator);
