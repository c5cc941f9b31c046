// Plural forms by the rules of a language.

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** `plural(2, { one: '# model', other: '# models' })` is "2 models". */
export function pluralOf(language: string): (n: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language);
  const digits = new Intl.NumberFormat(language);
  return (n, forms) => (forms[rules.select(n)] ?? forms.other).replace('#', digits.format(n));
}
