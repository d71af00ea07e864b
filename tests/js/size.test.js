/**
 * What the balance costs a page to load: the store, its feeds and `<token-balance>`, compressed.
 *
 * There is no build, so the files are served with their comments. The limit is for the code: gzip
 * at its best over the modules without their comments. What goes over the wire, each file
 * compressed by itself with all that it says, is held too, so that nobody is surprised. Each
 * module costs some of it: its imports, and a compression that starts anew.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const CODE_BYTES = 5 * 1024;
const STORE_CODE_BYTES = 3_750;
const WIRE_BYTES = 10_000;
const STORE = [
  "balance-store",
  "balance-fetcher",
  "balance-state",
  "balance-feeds",
  "balance-socket",
  "balance-channel",
];
const ALL = [...STORE, "token-balance"];

/** @param {string} name */
function source(name) {
  const file = `../../payments/static/payments/js/${name}.js`;
  return readFileSync(new URL(file, import.meta.url), "utf8");
}

/** @param {string} text */
function compressed(text) {
  return gzipSync(text, { level: 9 }).length;
}

/** @param {string} text */
function code(text) {
  return text
    .replace(/\/\*\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/ .*$/gm, "")
    .replace(/\n\s*\n/g, "\n");
}

/** @param {string[]} names */
const codeBytes = (names) => compressed(names.map(source).map(code).join(""));

test(`the store, its feeds and the component are at most ${CODE_BYTES} bytes of code`, (t) => {
  t.diagnostic(`${codeBytes(ALL)} bytes`);
  assert.ok(codeBytes(ALL) <= CODE_BYTES, `${codeBytes(ALL)} bytes`);
});

test(`the store and its feeds alone are at most ${STORE_CODE_BYTES}`, (t) => {
  t.diagnostic(`${codeBytes(STORE)} bytes`);
  assert.ok(codeBytes(STORE) <= STORE_CODE_BYTES, `${codeBytes(STORE)} bytes`);
});

test(`and at most ${WIRE_BYTES} on the wire, comments and all`, (t) => {
  const bytes = ALL.reduce((sum, name) => sum + compressed(source(name)), 0);
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= WIRE_BYTES, `${bytes} bytes`);
});
