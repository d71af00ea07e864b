/** The balance reducer: what is shown, whatever order the news comes in. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { UNKNOWN, reduce, shown } from "payments/balance-state";

/** @typedef {import("payments/balance-types").State} State */

/** @param {Partial<import("payments/balance-types").Balance>} balance */
function frame({ version = 1, epoch = 1, available = 10, held = 0, ops = [] } = {}) {
  return { epoch, version, balance: available + held, held, available, debt: 0, ops };
}

/**
 * @param {State} state
 * @param {...import("payments/balance-types").Action} actions
 */
function after(state, ...actions) {
  return actions.reduce(reduce, state);
}

/** @param {Parameters<typeof frame>[0]} values */
const balance = (values) =>
  /** @type {const} */ ({ type: "balance", balance: frame(values) });

test("nothing is shown before the first balance", () => {
  assert.equal(shown(UNKNOWN), null);
});

test("an operation is taken off at once and its frame moves nothing", () => {
  const begun = after(UNKNOWN, balance({}), { type: "began", op: "a", tokens: 1 });
  assert.equal(shown(begun), 9);
  const held = after(begun, balance({ version: 2, available: 9, held: 1, ops: ["a"] }));
  assert.equal(shown(held), 9);
  assert.deepEqual(held.pending, {});
});

test("a refused operation gives its tokens back", () => {
  const state = after(
    UNKNOWN,
    balance({}),
    { type: "began", op: "a", tokens: 1 },
    { type: "settled", op: "a" },
  );
  assert.equal(shown(state), 10);
});

test("an old version is dropped, but what it settles is settled", () => {
  const state = after(
    UNKNOWN,
    { type: "began", op: "a", tokens: 1 },
    balance({ version: 3, available: 8, held: 1 }),
    balance({ version: 2, available: 9, held: 1, ops: ["a"] }),
  );
  assert.equal(state.seen?.version, 3);
  assert.equal(shown(state), 8);
});

test("the answer to an operation settles it without naming it", () => {
  const state = after(
    UNKNOWN,
    balance({}),
    { type: "began", op: "a", tokens: 1 },
    { type: "balance", balance: frame({ version: 2, available: 9, held: 1 }), settled: "a" },
  );
  assert.equal(shown(state), 9);
});

test("a newer epoch replaces a higher version, an older one is dropped", () => {
  const restored = after(UNKNOWN, balance({ version: 9 }), balance({ epoch: 2, available: 4 }));
  assert.equal(shown(restored), 4);
  assert.equal(shown(after(restored, balance({ version: 99, available: 50 }))), 4);
});

test("more in flight than there is shows zero, not less", () => {
  const state = after(UNKNOWN, balance({ available: 1 }), { type: "began", op: "a", tokens: 3 });
  assert.equal(shown(state), 0);
});

test("an error hides the number until a balance comes, the same one too", () => {
  const failed = after(UNKNOWN, balance({}), { type: "failed" });
  assert.equal(shown(failed), null);
  assert.equal(shown(after(failed, { type: "loading" })), null);
  assert.equal(shown(after(failed, balance({}))), 10);
});

test("signed out is final: the last person's number never comes back", () => {
  const state = after(UNKNOWN, balance({}), { type: "ended", why: "signed-out" }, balance({ version: 2 }));
  assert.equal(shown(state), null);
  assert.equal(state.ended, "signed-out");
});
