/** Where a balance is low: the server says it, on every element. */

import assert from "node:assert/strict";
import { test } from "node:test";

const region = { setAttribute: () => {} };
Object.assign(globalThis, {
  HTMLElement: class {},
  customElements: { define: () => {} },
  document: { createElement: () => region, body: { append: () => {} }, documentElement: {} },
});
const { levelOf } = await import("payments/token-balance");

test("a threshold is the last number of its level", () => {
  const thresholds = { lowAt: "20", veryLowAt: "6" };
  const levels = [21, 20, 7, 6, 0].map((tokens) => levelOf(tokens, thresholds));
  assert.deepEqual(levels, ["ok", "low", "low", "very-low", "very-low"]);
});

test("without thresholds no balance is low", () => {
  assert.equal(levelOf(0, {}), "ok");
});
