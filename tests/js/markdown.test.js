/** Marks that are still open while a reply streams in. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { closeOpenMarks } from "chat/markdown";

const CASES = [
  ["a **bo", "a **bo**"],
  ["a **bold*", "a **bold**"],
  ["a **bold**", "a **bold**"],
  ["*He say", "*He say*"],
  ["**a** *b", "**a** *b*"],
  ["她说**“好", "她说**“好**"],
  ["1. **One**, two\n2. **Thr", "1. **One**, two\n2. **Thr**"],
  ["* item", "* item"],
  ["2 * 3", "2 * 3"],
  ["**", "**"],
  ["call `pri", "call `pri`"],
  ["```\na **b", "```\na **b"],
  ["```\na\n```\n**b", "```\na\n```\n**b**"],
];

for (const [text, closed] of CASES) {
  test(JSON.stringify(text), () => assert.equal(closeOpenMarks(text), closed));
}
