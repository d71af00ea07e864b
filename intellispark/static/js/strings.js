/** The translated texts, which the page brings with it (`_strings.html`). */

/** @type {Record<string, string> | undefined} */
let texts;

/** @returns {Record<string, string>} */
function load() {
  const source = document.getElementById("strings");
  return source ? JSON.parse(source.textContent || "{}") : {};
}

/**
 * The text of that key in the page's language, with each `{name}` replaced by its value. Numbers
 * are written as by `grouped`. Where a text has the keys `….one` and `….other`, `values.n` decides.
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
 * A number with its thousands apart, as the server's filter of that name writes it: 2,698.
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
