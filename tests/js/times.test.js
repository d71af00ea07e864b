/** Ages as `times.js` says them: the same steps and words as the server's filter `ago`. */

import assert from "node:assert/strict";
import { test } from "node:test";

const STRINGS = {
  "time.now": "just now",
  "time.minutes": "{n} min ago",
  "time.hours": "{n} h ago",
  "time.days.one": "{n} day ago",
  "time.days.other": "{n} days ago",
};
const page = {
  documentElement: { lang: "en" },
  getElementById: () => ({ textContent: JSON.stringify(STRINGS) }),
};
Object.assign(globalThis, { document: page });
const { ago } = await import("times");

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = new Date(2026, 10, 23, 12);

/** @type {[number, string][]} */
const STEPS = [
  [-20 * SECOND, "just now"],
  [59 * SECOND, "just now"],
  [MINUTE, "1 min ago"],
  [59.9 * MINUTE, "59 min ago"],
  [HOUR, "1 h ago"],
  [23.9 * HOUR, "23 h ago"],
  [DAY, "1 day ago"],
  [6.99 * DAY, "6 days ago"],
  [7 * DAY, "November 16"],
  [400 * DAY, "October 19, 2025"],
];

for (const [age, words] of STEPS) {
  test(`${age / SECOND} s: ${words}`, () => {
    assert.equal(ago(new Date(NOW.getTime() - age), NOW), words);
  });
}
