/** The HTTP API: what it sends, what it throws, and what it announces of every answer. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { ApiError, api, request } from "api";
import { on } from "live-events";

/** @type {any[]} */
let announced;
/** @type {{path: string, options: any}[]} */
let sent;
/** @type {() => Response} */
let answer;

on("api.answered", (event) => announced.push(event));

beforeEach(() => {
  announced = [];
  sent = [];
  Object.assign(globalThis, {
    document: { cookie: "a=b; csrftoken=secret", querySelector: () => null },
    HTMLInputElement: class {},
  });
  mock.method(globalThis, "fetch", async (/** @type {string} */ path, /** @type {any} */ options) => {
    sent.push({ path, options });
    return answer();
  });
});

afterEach(() => mock.restoreAll());

test("a write carries its key and the CSRF token, a read neither", async () => {
  answer = () => Response.json({});
  await api("POST", "/api/chats", { body: { a: 1 }, key: "k" });
  await api("GET", "/api/chats");
  const [write, read] = sent.map(({ options }) => options.headers);
  assert.equal(write.get("Idempotency-Key"), "k");
  assert.equal(write.get("X-CSRFToken"), "secret");
  assert.equal(sent[0].options.body, '{"a":1}');
  assert.equal(read.get("X-CSRFToken"), null);
  assert.equal(read.get("Idempotency-Key"), null);
});

test("an answer is announced with its key", async () => {
  answer = () => Response.json({ balance: { version: 3 } });
  const data = await api("POST", "/api/anything", { key: "k" });
  assert.deepEqual(data, { balance: { version: 3 } });
  assert.deepEqual(announced, [{ type: "api.answered", key: "k", data }]);
});

test("a refusal is announced and thrown", async () => {
  const error = { code: "insufficient_tokens", detail: "No.", needed: 1, available: 0 };
  answer = () => Response.json({ error }, { status: 402 });
  const thrown = await request("POST", "/api/anything", { key: "k" }).catch((error) => error);
  assert.ok(thrown instanceof ApiError);
  assert.deepEqual([thrown.status, thrown.code, thrown.needed], [402, "insufficient_tokens", 1]);
  assert.deepEqual(announced, [{ type: "api.answered", key: "k", error: thrown }]);
});

test("a proxy's own error page has a status and its Retry-After", async () => {
  answer = () => new Response("<h1>Bad gateway", { status: 502, headers: { "Retry-After": "7" } });
  const thrown = await api("GET", "/api/anything").catch((error) => error);
  assert.deepEqual([thrown.status, thrown.code, thrown.retryAfter], [502, "http_error", 7]);
});

test("where no answer came, nothing is announced", async () => {
  answer = () => {
    throw new TypeError("no network");
  };
  const thrown = await api("GET", "/api/anything").catch((error) => error);
  assert.deepEqual([thrown.status, thrown.code], [0, "network_error"]);
  assert.deepEqual(announced, []);
});
