/** Asking the server for the balance: what is sent, what is shared, and what is not believed. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BalanceFetcher } from "payments/balance-fetcher";

const BALANCE = { epoch: 1, version: 5, balance: 10, held: 0, available: 10, debt: 0 };

/** @type {{etag: string | undefined, answer: (response: Response | Error) => void}[]} */
let requests;
/** @type {BalanceFetcher} */
let fetcher;

beforeEach(() => {
  requests = [];
  fetcher = new BalanceFetcher();
  mock.method(globalThis, "fetch", (/** @type {string} */ _url, /** @type {any} */ options) => {
    return new Promise((resolve, reject) => {
      requests.push({
        etag: options.headers["If-None-Match"],
        answer: (response) => (response instanceof Error ? reject(response) : resolve(response)),
      });
    });
  });
});

afterEach(() => mock.restoreAll());

/** @param {Partial<typeof BALANCE>} [values] */
function balance(values) {
  const body = JSON.stringify({ ...BALANCE, ...values });
  return new Response(body, { headers: { ETag: `"${values?.version ?? 5}"` } });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("whoever asks while a request is under way shares its answer", async () => {
  const both = Promise.all([fetcher.fetch(), fetcher.fetch()]);
  assert.equal(requests.length, 1);
  requests[0].answer(balance());
  assert.deepEqual(await both, [BALANCE, BALANCE]);
  fetcher.fetch();
  assert.equal(requests.length, 2, "the next one is a request of its own");
});

test("a 304 stands for the balance of its ETag", async () => {
  const first = fetcher.fetch();
  requests[0].answer(balance());
  await first;
  const second = fetcher.fetch();
  assert.equal(requests[1].etag, '"5"');
  requests[1].answer(new Response(null, { status: 304 }));
  assert.deepEqual(await second, BALANCE);
});

test("invalidated, it sends no ETag: somebody else's version may be the same", async () => {
  const first = fetcher.fetch();
  requests[0].answer(balance());
  await first;
  fetcher.invalidate();
  fetcher.fetch();
  assert.equal(requests[1].etag, undefined);
});

test("an answer that was under way when it was invalidated is asked for again", async () => {
  const asked = fetcher.fetch();
  fetcher.invalidate();
  requests[0].answer(balance());
  await turn();
  assert.equal(requests.length, 2);
  assert.equal(requests[1].etag, undefined);
  requests[1].answer(balance({ version: 6, available: 4 }));
  assert.deepEqual(await asked, { ...BALANCE, version: 6, available: 4 });
});

for (const [status, why] of /** @type {const} */ ([
  [401, "signed-out"],
  [403, "suspended"],
])) {
  test(`a ${status} says why there is no balance`, async () => {
    const asked = fetcher.fetch();
    requests[0].answer(new Response(null, { status }));
    assert.equal(await asked, why);
  });
}

test("an error of the server or the network is thrown, and the next request is not kept from it", async () => {
  for (const failure of [new Response(null, { status: 503 }), new TypeError("no network")]) {
    const asked = fetcher.fetch();
    requests[requests.length - 1].answer(failure);
    await assert.rejects(asked);
  }
  const asked = fetcher.fetch();
  requests[2].answer(balance());
  assert.deepEqual(await asked, BALANCE);
});
