/** How a stream that ends is told apart from a reply that ends. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { ReplyStream } from "chat/stream";

/** @type {string[]} */
let heard;
/** @type {(() => Response)[]} */
let answers;

beforeEach(() => {
  heard = [];
  answers = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(globalThis, "fetch", async () => /** @type {() => Response} */ (answers.shift())());
  const window = new EventTarget();
  Object.assign(globalThis, {
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
  });
});

afterEach(() => mock.timers.reset());
afterEach(() => mock.restoreAll());

/** @param {...[string, object]} events */
function stream(...events) {
  const body = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  return () => new Response(body.join(""));
}

function follow() {
  const reply = new ReplyStream({
    start: () => heard.push("start"),
    delta: (text) => heard.push(text),
    end: (kind) => heard.push(kind),
    connection: () => {},
  });
  return reply.attach("g");
}

async function passing() {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(10_000);
  }
}

const START = { generation_id: "g" };

test("one stream too many ends this one, and not the reply", async () => {
  const refusal = { error: { code: "too_many_streams", detail: "Too many." } };
  answers = [stream(["start", START], ["delta", { text: "Half" }], ["error", refusal])];
  await assert.rejects(follow(), { status: 429, detail: "Too many." });
  assert.deepEqual(heard, ["start", "Half"]);
  assert.equal(answers.length, 0, "nor is it opened anew, which would end another one");
});

test("a stream that ends without a word is resumed, and the refusal is an answer", async () => {
  const refusal = { error: { code: "not_signed_in", detail: "Sign in." } };
  answers = [stream(["start", START]), () => Response.json(refusal, { status: 401 })];
  await Promise.all([assert.rejects(follow(), { status: 401 }), passing()]);
  assert.deepEqual(heard, ["start"]);
});

test("an error of the reply ends it", async () => {
  answers = [stream(["start", START], ["error", { error: { code: "provider_failed" } }])];
  await follow();
  assert.deepEqual(heard, ["start", "error"]);
});
