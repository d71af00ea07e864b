/** 6,000 random stories of a wallet and a bad network; and stores that must not survive them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BalanceStore } from "payments/balance-store";

import { run } from "./model.js";

const RUNS = 6_000;
const ENOUGH_TO_BE_CAUGHT = 300;
const MODULES = ["balance-state", "balance-store"];
const STATIC = new URL("../../payments/static/payments/js/", import.meta.url);

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(console, "warn", () => {});
});
afterEach(() => mock.timers.reset());
afterEach(() => mock.restoreAll());

const pass = (/** @type {number} */ ms) => mock.timers.tick(ms);

test(`${RUNS} stories break no promise`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) await run(BalanceStore, seed, pass);
});

/** Each is a mistake that somebody could make: which module, what it says, what it would say. */
const BROKEN = {
  "an older version wins": ["balance-state", "return balance.version > seen.version;", "return true;"],
  "epochs are not looked at": [
    "balance-state",
    "if (balance.epoch !== seen.epoch) return balance.epoch > seen.epoch;",
    "",
  ],
  "what is in flight is not taken off": ["balance-state", "sum + tokens, 0)", "sum, 0)"],
  "any balance ends what is in flight": [
    "balance-state",
    "return { ...rest, seen: balance,",
    "return { ...rest, pending: {}, seen: balance,",
  ],
  "beacons are not heeded": [
    "balance-store",
    "this.#confirmedAt = -Infinity;\n    this.refetch();",
    "",
  ],
  "an operation that is over brings back the state before it": [
    "balance-store",
    "settle(/** @type {string} */ op) {",
    "settle(/** @type {string} */ op) { this.#state = UNDO.get(op) ?? this.#state;",
  ],
};

for (const [name, [module, right, wrong]] of Object.entries(BROKEN)) {
  test(`caught: ${name}`, async () => {
    const Broken = await mutant(module, right, wrong);
    await assert.rejects(async () => {
      for (let seed = 1; seed <= ENOUGH_TO_BE_CAUGHT; seed++) await run(Broken, seed, pass);
    }, assert.AssertionError);
  });
}

/**
 * The store with that change in it.
 *
 * @param {string} module
 * @param {string} right
 * @param {string} wrong
 * @returns {Promise<typeof BalanceStore>}
 */
async function mutant(module, right, wrong) {
  const sources = Object.fromEntries(MODULES.map((name) => [name, source(name)]));
  const before = sources[module];
  assert.equal(before.split(right).length, 2, `${module}.js says it once: ${right}`);
  Object.assign(sources, { [module]: before.replace(right, () => wrong) });
  const state = asUrl(sources["balance-state"]);
  const undo = "const UNDO = new Map();\n";
  const store = sources["balance-store"]
    .replace('"payments/balance-state"', () => `"${state}"`)
    .replace("  begin(op, tokens) {", (found) => `${found} UNDO.set(op, this.#state);`);
  return (await import(asUrl(undo + store))).BalanceStore;
}

/** @param {string} module */
function source(module) {
  return readFileSync(new URL(`${module}.js`, STATIC), "utf8");
}

/** @param {string} text */
function asUrl(text) {
  return `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
}
