/** When the store is fed by what: sockets, polling, other tabs, and pages that come and go. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BalanceStore } from "payments/balance-store";
import { connectChannel } from "payments/balance-channel";
import { connectAnswers, connectServer } from "payments/balance-feeds";
import { emit, on } from "live-events";

const AVAILABLE = { epoch: 1, version: 5, balance: 10, held: 0, available: 10, debt: 0 };

/** @type {FakeSocket[]} */
let sockets;
/** @type {BalanceStore} */
let store;
/** @type {EventTarget & {hidden: boolean}} */
let page;
/** @type {EventTarget} */
let window;
/** @type {number} */
let asked;
/** @type {() => Response | Promise<Response>} */
let answer;

class FakeSocket {
  /** @type {((event: {data: string}) => void) | undefined} */
  onmessage;
  /** @type {((event: {code: number}) => void) | undefined} */
  onclose;
  closed = false;

  constructor() {
    sockets.push(this);
  }

  /** @param {Partial<typeof AVAILABLE> & {user_id?: string}} values */
  snapshot(values = {}) {
    const own = { user_id: "alice", beacon_secs: 25, ops: [] };
    this.says({ type: "balance.snapshot", ...own, ...AVAILABLE, ...values });
  }

  /** @param {object} frame */
  says(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  close(code = 1000) {
    if (this.closed) return;
    this.closed = true;
    this.onclose?.({ code });
  }
}

/** @param {Partial<typeof AVAILABLE> & {user_id?: string}} values */
function told(values) {
  return () => Response.json({ user_id: "alice", ...AVAILABLE, ...values });
}

async function turns() {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** @param {number} ms */
async function pass(ms) {
  for (let left = ms; left > 0; left -= 500) {
    mock.timers.tick(Math.min(500, left));
    await turns();
  }
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  mock.method(Math, "random", () => 0);
  mock.method(console, "warn", () => {});
  mock.method(globalThis, "fetch", async () => {
    asked++;
    return answer();
  });
  sockets = [];
  asked = 0;
  answer = told({});
  page = Object.assign(new EventTarget(), { hidden: false });
  window = new EventTarget();
  Object.assign(globalThis, {
    WebSocket: FakeSocket,
    location: { origin: "http://test" },
    document: page,
    addEventListener: window.addEventListener.bind(window),
  });
  store = new BalanceStore();
  store.setOwner("alice");
  connectServer(store);
});

afterEach(() => mock.timers.reset());
afterEach(() => mock.restoreAll());

const newest = () => sockets[sockets.length - 1];

/** @param {boolean} hidden */
function look(hidden) {
  page.hidden = hidden;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("without sockets the page asks every 12 to 15 s, until a snapshot comes", async () => {
  newest().close(1006);
  await pass(500);
  assert.equal(asked, 0, "one try is not enough");
  newest().close(1006);
  await turns();
  assert.equal(asked, 1);
  answer = told({ version: 6, available: 4 });
  for (let n = 0; n < 24; n++) {
    await pass(500);
    newest().close(1006);
  }
  assert.equal(asked, 2);
  assert.equal(store.state.shown, 4);
  assert.ok(sockets.length > 10, "and goes on trying");
  await pass(500);
  newest().snapshot({ version: 7, available: 3 });
  await pass(24_000);
  assert.equal(asked, 2);
  assert.equal(store.state.shown, 3);
});

test("the pause between two questions is spread over 12 to 15 s", async () => {
  newest().close(4429);
  await turns();
  assert.equal(asked, 1);
  mock.method(Math, "random", () => 1);
  await pass(12_000);
  assert.equal(asked, 2);
  await pass(14_500);
  assert.equal(asked, 2);
  await pass(500);
  assert.equal(asked, 3);
});

test("a tab that is hidden for 60 s closes its socket, and is right when it is seen again", async () => {
  newest().snapshot();
  look(true);
  await pass(59_000);
  assert.equal(newest().closed, false);
  newest().snapshot(); // a beacon would do: the line is alive
  await pass(1_000);
  assert.equal(newest().closed, true);
  await pass(60_000);
  assert.equal(sockets.length, 1, "nor does it try");
  assert.equal(asked, 0);
  answer = told({ version: 9, available: 2 });
  look(false);
  await turns();
  assert.equal(sockets.length, 2);
  assert.equal(asked, 1);
  assert.equal(store.state.shown, 2);
});

test("a tab that was away for a moment asks nothing", async () => {
  newest().snapshot();
  look(true);
  await pass(10_000);
  look(false);
  await pass(60_000 - 10_000);
  assert.equal(newest().closed, false);
  assert.equal(asked, 0);
});

test("being online again is a reason to connect at once", async () => {
  newest().snapshot();
  newest().close(1006);
  window.dispatchEvent(new Event("online"));
  assert.equal(sockets.length, 2);
});

test("a page kept for the back button shows no number until the server has said whose", async () => {
  newest().snapshot();
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(newest().closed, true);
  assert.equal(store.state.shown, null);
  answer = told({ user_id: "bob" });
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await turns();
  assert.equal(store.state.signedOut, true);
  assert.equal(store.state.shown, null);
});

test("back in time, the page opens its socket again", async () => {
  newest().snapshot();
  window.dispatchEvent(new Event("pagehide"));
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await turns();
  assert.equal(store.state.shown, 10);
  assert.equal(sockets.length, 2);
});

test("a line that comes back as somebody else's ends the page, and nothing of theirs is heard", async () => {
  /** @type {string[]} */
  const heard = [];
  for (const type of ["resync", "chat.updated"]) on(type, () => heard.push(type));
  newest().snapshot();
  newest().close(1006);
  await pass(500);
  newest().snapshot({ user_id: "bob", version: 99, available: 500 });
  assert.equal(store.state.signedOut, true);
  assert.equal(store.state.shown, null);
  assert.equal(newest().closed, true);
  newest().says({ type: "chat.updated", chat_id: "bobs" });
  for (const name of ["online", "pageshow"]) {
    window.dispatchEvent(Object.assign(new Event(name), { persisted: true }));
  }
  look(false);
  mock.timers.setTime(3_600_000);
  await pass(30_000);
  assert.deepEqual(heard, []);
  assert.equal(sockets.length, 2);
  assert.equal(asked, 0);
});

test("polling that meets somebody else ends as quietly", async () => {
  let looked = 0;
  on("resync", () => looked++);
  newest().snapshot();
  answer = told({ user_id: "bob", version: 99, available: 500 });
  newest().close(4429);
  await pass(60_000);
  assert.equal(store.state.signedOut, true);
  assert.equal(looked, 0);
  assert.equal(asked, 1);
});

test("an answer that was on its way when the page came into doubt is asked for again", async () => {
  newest().snapshot();
  const { promise, resolve } = later();
  answer = () => promise;
  store.beacon({ epoch: 1, version: 6 });
  answer = told({ user_id: "bob" });
  window.dispatchEvent(new Event("pagehide"));
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.equal(asked, 1);
  resolve(Response.json({ user_id: "alice", ...AVAILABLE, version: 6 }));
  await turns();
  assert.equal(asked, 2);
  assert.equal(store.state.signedOut, true);
  assert.equal(store.state.shown, null);
});

function later() {
  /** @type {(response: Response) => void} */
  let resolve = () => {};
  /** @type {Promise<Response>} */
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

test("a machine that slept asks as it wakes", async () => {
  newest().snapshot();
  mock.timers.setTime(3_600_000); // the clock jumps over what was due
  mock.timers.tick(10_000);
  await turns();
  assert.ok(asked >= 1);
  assert.ok(newest() !== sockets[0]);
});

test("a hidden tab on a machine that slept still closes its socket", async () => {
  newest().snapshot();
  look(true);
  mock.timers.setTime(55_000);
  mock.timers.tick(6_000);
  await turns();
  await pass(20_000);
  assert.ok(sockets.every((socket) => socket.closed));
});

test("4401 ends it; 4403 asks the server, and without a socket the page polls", async () => {
  newest().snapshot();
  newest().close(4403);
  assert.equal(store.state.shown, null, "no number while that is open");
  await turns();
  assert.equal(store.state.shown, 10, "only the socket was refused");
  answer = () => new Response(null, { status: 403 });
  await pass(12_000);
  assert.equal(store.state.suspended, true);
  const before = asked;
  await pass(60_000);
  assert.equal(asked, before);

  const other = new BalanceStore();
  connectServer(other);
  newest().snapshot();
  newest().close(4401);
  assert.equal(other.state.signedOut, true);
});

test("a snapshot after a gap says that events may be missing, spread over 5 s", async () => {
  let missed = 0;
  on("resync", () => missed++);
  newest().snapshot();
  await pass(1);
  assert.equal(missed, 0);
  newest().close(1006);
  await pass(500);
  mock.method(Math, "random", () => 0.999);
  newest().snapshot();
  await pass(4_900);
  assert.equal(missed, 0);
  await pass(100);
  assert.equal(missed, 1);
});

test("a first snapshot that is ahead of the page says so too", async () => {
  let missed = 0;
  on("resync", () => missed++);
  store.apply(AVAILABLE);
  newest().snapshot({ version: 6 });
  await pass(1);
  assert.equal(missed, 1);
});

test("a beacon that is ahead says so too, and one that is not does not", async () => {
  let missed = 0;
  on("resync", () => missed++);
  newest().snapshot();
  newest().says({ type: "balance.beacon", epoch: 1, version: 5 });
  await pass(5_000);
  assert.equal(missed, 0);
  newest().says({ type: "balance.beacon", epoch: 1, version: 6 });
  await pass(5_000);
  assert.equal(missed, 1);
});

test("who was away looks again at once", async () => {
  let missed = 0;
  on("resync", () => missed++);
  newest().snapshot();
  look(true);
  await pass(60_000);
  mock.method(Math, "random", () => 0.999);
  look(false);
  newest().snapshot();
  await pass(1);
  assert.equal(missed, 1);
});

test("the store takes in the balance of an answer, and settles the operation that it answers", () => {
  const answered = new BalanceStore();
  connectAnswers(answered);
  answered.apply(AVAILABLE);
  answered.begin("a", 1);
  const balance = { ...AVAILABLE, version: 6, held: 1, available: 9 };
  emit({ type: "api.answered", key: "a", data: { balance } });
  assert.equal(answered.state.version, 6);
  assert.equal(answered.state.shown, 9);
  for (const data of [null, undefined, [], { balance: 3 }]) emit({ type: "api.answered", data });
  assert.equal(answered.state.version, 6);
});

for (const [error, expected] of /** @type {const} */ ([
  [{ status: 401, code: "not_authenticated" }, { signedOut: true, suspended: false }],
  [{ status: 403, code: "suspended" }, { signedOut: true, suspended: true }],
  [{ status: 402, code: "insufficient_tokens" }, { signedOut: false, suspended: false }],
])) {
  test(`an answer with ${error.code} ${expected.signedOut ? "ends the page" : "changes nothing"}`, () => {
    const answered = new BalanceStore();
    connectAnswers(answered);
    answered.apply(AVAILABLE);
    emit({ type: "api.answered", error });
    const { signedOut, suspended } = answered.state;
    assert.deepEqual({ signedOut, suspended }, expected);
  });
}

class FakeChannel {
  /** @type {FakeChannel[]} */
  static open = [];
  /** @type {any[]} */
  static said = [];
  /** @type {((event: {data: any}) => void) | undefined} */
  onmessage;

  constructor() {
    FakeChannel.open.push(this);
  }

  /** @param {any} data */
  postMessage(data) {
    FakeChannel.said.push(data);
    for (const other of FakeChannel.open) {
      if (other !== this) other.onmessage?.({ data: structuredClone(data) });
    }
  }
}

/** @param {string} user */
function tab(user) {
  const made = new BalanceStore();
  made.setOwner(user);
  connectChannel(made, user);
  return made;
}

test("what one tab hears, the others hear from it, once", () => {
  Object.assign(globalThis, { BroadcastChannel: FakeChannel });
  FakeChannel.open = [];
  const [one, two, three] = [tab("alice"), tab("alice"), tab("alice")];
  FakeChannel.said = [];
  one.apply({ ...AVAILABLE, ops: [] });
  assert.equal(two.state.shown, 10);
  assert.equal(three.state.shown, 10);
  assert.equal(FakeChannel.said.length, 1, "and none of them says it again");
});

test("somebody else's balance is ignored, but that they are here is asked about", async () => {
  Object.assign(globalThis, { BroadcastChannel: FakeChannel });
  FakeChannel.open = [];
  const alices = tab("alice");
  alices.apply({ ...AVAILABLE, ops: [] });
  answer = told({ user_id: "bob", available: 500 });
  FakeChannel.open[0].onmessage?.({ data: { user: "bob", balance: { ...AVAILABLE, version: 99 } } });
  assert.equal(alices.state.shown, 10);
  assert.equal(asked, 0);
  tab("");
  assert.equal(alices.state.shown, null);
  await turns();
  assert.equal(alices.state.signedOut, true);
});
