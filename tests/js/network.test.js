/** Offline means that a request failed: what is announced, and when the note is shown. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { on } from "live-events";
import { send } from "network";
import { connect } from "offline";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["intellispark/static/js/", "chat/static/chat/js/", "payments/static/payments/js/"];

/** @type {string[]} */
let heard = [];
on("network.reached", () => heard.push("reached"));
on("network.failed", () => heard.push("failed"));

/** @type {boolean} */
let lineIsDead;
/** @type {string[]} */
let asked = [];
const note = { hidden: true };
const window = new EventTarget();
Object.assign(globalThis, { addEventListener: window.addEventListener.bind(window) });
connect(/** @type {any} */ ({ querySelector: () => note }));

mock.timers.enable({ apis: ["setTimeout"] }); // once: the note's timer outlives a test

beforeEach(async () => {
  mock.method(globalThis, "fetch", async (/** @type {string} */ url, /** @type {any} */ options) => {
    asked.push(url);
    options.signal?.throwIfAborted();
    if (lineIsDead) throw new TypeError("Failed to fetch");
    return new Response(null, { status: url === "/gone" ? 404 : 200 });
  });
  lineIsDead = false;
  asked = [];
  await send("/", {}); // no timer of an earlier test runs on
  asked = [];
  heard = [];
});

afterEach(() => mock.restoreAll());

async function turns() {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("any answer says that the server was reached, a refusal too", async () => {
  assert.equal((await send("/gone", {})).status, 404);
  assert.deepEqual(heard, ["reached"]);
});

test("no answer is a failure, and so is one that did not come in time", async () => {
  lineIsDead = true;
  await assert.rejects(send("/", {}), TypeError);
  const timeOut = AbortSignal.abort(new DOMException("late", "TimeoutError"));
  await assert.rejects(send("/", { signal: timeOut }));
  assert.deepEqual(heard, ["failed", "failed"]);
});

test("a request that the page ended itself says nothing of the line", async () => {
  await assert.rejects(send("/", { signal: AbortSignal.abort() }));
  assert.deepEqual(heard, []);
});

test("that the browser believes to be offline is only a reason to ask", async () => {
  window.dispatchEvent(new Event("offline"));
  await turns();
  assert.deepEqual([asked, note.hidden], [["/healthz"], true]);
});

test("one request that failed is no dead line", async () => {
  lineIsDead = true;
  const failed = send("/", {});
  lineIsDead = false;
  await assert.rejects(failed);
  await turns();
  assert.deepEqual([asked, note.hidden], [["/", "/healthz"], true]);
});

test("the note is shown until an answer comes, and the server is asked until then", async () => {
  lineIsDead = true;
  await assert.rejects(send("/", {}));
  await turns();
  assert.equal(note.hidden, false);
  mock.timers.tick(2_000);
  await turns();
  assert.deepEqual([asked.length, note.hidden], [3, false]);
  lineIsDead = false;
  mock.timers.tick(4_000);
  await turns();
  assert.deepEqual([asked.length, note.hidden], [4, true]);
  mock.timers.tick(60_000);
  await turns();
  assert.equal(asked.length, 4, "and no longer");
});

test("anybody's answer takes the note away", async () => {
  lineIsDead = true;
  window.dispatchEvent(new Event("offline"));
  await turns();
  assert.equal(note.hidden, false);
  lineIsDead = false;
  await send("/", {});
  assert.equal(note.hidden, true);
  mock.timers.tick(60_000);
  await turns();
  assert.deepEqual(asked, ["/healthz", "/"]);
});

test("every module sends through `network`, and none believes `navigator.onLine`", () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT))
      .filter((name) => name.endsWith(".js"))
      .map((name) => folder + name),
  );
  const code = files.map((file) => ({
    file,
    text: readFileSync(new URL(file, ROOT), "utf8").replace(/\/\*\*[\s\S]*?\*\//g, ""),
  }));
  /** @param {RegExp} pattern */
  const using = (pattern) => code.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
  assert.deepEqual(using(/onLine/), []);
  assert.deepEqual(using(/await fetch\(|= fetch\(/), [
    "intellispark/static/js/network.js",
    "intellispark/static/js/offline.js",
  ]);
});
