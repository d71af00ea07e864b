/** The balance store: what it does by the clock and over the network. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BalanceStore } from "payments/balance-store";

const AVAILABLE = { epoch: 1, version: 5, balance: 10, held: 0, available: 10, debt: 0 };

/** @type {(() => Response)[]} */
let answers;
/** @type {Record<string, string>[]} */
let asked;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(console, "warn", () => {});
  answers = [];
  asked = [];
  mock.method(globalThis, "fetch", async (/** @type {string} */ _url, /** @type {any} */ options) => {
    asked.push(options.headers);
    const answer = answers.shift();
    if (!answer) throw new TypeError("no network");
    return answer();
  });
});

afterEach(() => mock.restoreAll());
afterEach(() => mock.timers.reset());

/** @param {Partial<typeof AVAILABLE> & {user_id?: string}} values */
function answer(values) {
  const body = JSON.stringify({ user_id: "alice", ...AVAILABLE, ...values });
  answers.push(() => new Response(body, { headers: { ETag: `"${values.version ?? 5}"` } }));
}

/** @param {BalanceStore} store */
async function settled(store) {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  return store.state;
}

test("an operation that nobody answers is dropped after 30 s, with a refetch", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.begin("a", 1);
  assert.equal(store.state.shown, 9);
  assert.equal(store.state.held, 1);
  answer({ version: 7, available: 8, balance: 8 });
  mock.timers.tick(30_000);
  assert.equal((await settled(store)).shown, 8);
});

test("an answered operation leaves no timer behind", () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.begin("a", 1);
  store.apply({ ...AVAILABLE, version: 6, held: 1, available: 9, ops: ["a"] });
  mock.timers.tick(60_000);
  assert.equal(asked.length, 0);
  assert.equal(store.state.shown, 9);
});

test("a refetch waits for operations in flight, so that none is counted twice", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.begin("a", 1);
  store.beacon({ epoch: 1, version: 9 });
  assert.equal(asked.length, 0);
  answer({ version: 9, available: 7, balance: 7 });
  store.apply({ ...AVAILABLE, version: 6, held: 1, available: 9 }, "a");
  assert.equal((await settled(store)).shown, 7);
});

test("only a beacon that is ahead, or of another epoch, asks", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.beacon({ epoch: 1, version: 5 });
  assert.equal(asked.length, 0);
  answer({ epoch: 2, version: 2, available: 3 });
  store.beacon({ epoch: 2, version: 2 });
  assert.equal((await settled(store)).shown, 3);
});

test("a number that was confirmed a moment ago outlives one failure", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  await store.refetch();
  assert.equal(store.state.shown, 10);
});

test("a number that is known to be old does not", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.beacon({ epoch: 1, version: 6 });
  assert.equal((await settled(store)).error, true);
});

test("a failure shows no number, and asking again brings it back", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  mock.timers.tick(31_000);
  await store.refetch();
  assert.equal(store.state.error, true);
  assert.equal(store.state.shown, null);
  answer({});
  const pending = store.refetch();
  assert.equal(store.state.error, false);
  await pending;
  assert.equal(store.state.shown, 10);
});

test("what is known already is not sent again", async () => {
  const store = new BalanceStore();
  answer({});
  await store.refetch();
  answers.push(() => new Response(null, { status: 304 }));
  await store.refetch();
  assert.deepEqual(asked[1], { "If-None-Match": '"5"' });
  assert.equal(store.state.shown, 10);
});

test("a balance that came while an operation was in flight is not lost behind its ETag", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  answer({ version: 6, available: 4, balance: 4 });
  const fetched = store.refetch();
  store.begin("a", 1); // the balance cannot be taken in: who knows whether it contains this
  await fetched;
  assert.equal(store.state.version, 5);
  answers.push(() => new Response(null, { status: 304 }));
  store.settle("a"); // refused, so nothing has changed on the server
  assert.equal((await settled(store)).version, 6);
  assert.equal(store.state.shown, 4);
});

test("a number is stale 30 s after a frame, a beacon or a 304 has confirmed it", async () => {
  const store = new BalanceStore();
  assert.equal(store.stale, true);
  answer({});
  await store.refetch();
  for (const confirm of [
    () => store.beacon({ epoch: 1, version: 5 }),
    () => store.apply(AVAILABLE),
    () => answers.push(() => new Response(null, { status: 304 })) && store.refetch(),
  ]) {
    mock.timers.tick(29_000);
    assert.equal(store.stale, false);
    mock.timers.tick(2_000);
    assert.equal(store.stale, true);
    await confirm();
    assert.equal(store.stale, false);
  }
});

test("an older balance confirms nothing", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  mock.timers.tick(31_000);
  store.invalidate();
  store.apply({ ...AVAILABLE, version: 4, available: 99 });
  assert.equal(store.state.shown, null);
  assert.equal(store.stale, true);
});

test("a balance that names no operations waits for those in flight", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  store.begin("a", 1);
  store.apply({ ...AVAILABLE, version: 7, available: 9 }); // from another tab, "a" in it or not
  assert.equal(store.state.shown, 9);
  answer({ version: 7, available: 9 });
  store.apply({ ...AVAILABLE, version: 6, available: 9, ops: ["a"] });
  assert.equal((await settled(store)).shown, 9);
  assert.equal(store.state.version, 7);
});

test("a frame that is somebody else's ends it", () => {
  const store = new BalanceStore();
  store.setOwner("alice");
  store.apply({ ...AVAILABLE, user_id: "bob", ops: [] });
  assert.equal(store.state.signedOut, true);
});

test("who may be somebody else is asked for all of it: their version may be the same", async () => {
  const store = new BalanceStore();
  store.setOwner("alice");
  answer({});
  await store.refetch();
  store.invalidate();
  answer({ user_id: "bob" });
  await store.refetch();
  assert.deepEqual(asked[1], {});
  assert.equal(store.state.signedOut, true);
});

test("a 403 says that the account is suspended", async () => {
  const store = new BalanceStore();
  store.apply(AVAILABLE);
  answers.push(() => new Response(null, { status: 403 }));
  await store.refetch();
  assert.equal(store.state.suspended, true);
  assert.equal(store.state.shown, null);
});

for (const [name, end] of /** @type {const} */ ([
  ["a 401", () => answers.push(() => new Response(null, { status: 401 }))],
  ["somebody else's balance", () => answer({ user_id: "bob", version: 99, available: 500 })],
])) {
  test(`${name} ends it: no number is shown any more`, async () => {
    const store = new BalanceStore();
    store.setOwner("alice");
    store.apply(AVAILABLE);
    end();
    await store.refetch();
    assert.equal(store.state.signedOut, true);
    store.apply({ ...AVAILABLE, version: 100 });
    assert.equal(store.state.shown, null);
  });
}
