/** The translated texts of the page, handed over by `_strings.html`. */

/** @type {Record<string, string> | undefined} */
let texts;

/** @returns {Record<string, string>} */
function load() {
  const source = document.getElementById("strings");
  return source ? JSON.parse(source.textContent || "{}") : {};
}

/**
 * The text of that key in the page's language, with `{name}` replaced by its value; numbers are
 * written as `grouped` does.
 *
 * Where a text depends on a number, its keys end in `.one` and `.other` and `values.n` decides.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  texts ??= load();
  const form = typeof values.n === "number" ? `${key}.${plural(values.n)}` : key;
  const text = texts[form] ?? texts[`${key}.other`] ?? texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => {
    const value = values[name] ?? all;
    return typeof value === "number" ? grouped(value) : value;
  });
}

/** @type {Intl.NumberFormat | undefined} */
let numbers;

/**
 * A number with its thousands apart, as the server writes it: 2,698.
 *
 * @param {number} number
 */
export function grouped(number) {
  numbers ??= new Intl.NumberFormat(document.documentElement.lang || "en");
  return numbers.format(number);
}

/** @param {number} n */
function plural(n) {
  return new Intl.PluralRules(document.documentElement.lang || "en").select(n);
}
