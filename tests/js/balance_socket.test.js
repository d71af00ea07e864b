/** The balance socket: when it comes back, and when it must not. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BalanceSocket } from "payments/balance-socket";

/** @type {FakeSocket[]} */
let sockets;
/** @type {string[]} */
let heard;
/** @type {BalanceSocket} */
let live;

class FakeSocket {
  /** @type {((event: {data: string}) => void) | undefined} */
  onmessage;
  /** @type {((event: {code: number}) => void) | undefined} */
  onclose;

  constructor() {
    sockets.push(this);
  }

  /** @param {object} frame */
  receive(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  close(code = 1000) {
    this.onclose?.({ code });
  }
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  sockets = [];
  heard = [];
  Object.assign(globalThis, {
    WebSocket: FakeSocket,
    location: { origin: "http://test" },
  });
  live = new BalanceSocket({
    snapshot: (balance) => heard.push(`snapshot ${balance.version}`),
    apply: (balance) => heard.push(`balance ${balance.version}`),
    beacon: (beacon) => heard.push(`beacon ${beacon.version}`),
    event: (frame) => heard.push(frame.type),
    unreachable: () => heard.push("unreachable"),
    ended: (code) => heard.push(`ended ${code}`),
  });
  live.open();
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

test("frames reach the store by their type", () => {
  sockets[0].receive({ type: "balance.snapshot", version: 1, beacon_secs: 25 });
  sockets[0].receive({ type: "balance.changed", version: 2 });
  sockets[0].receive({ type: "balance.beacon", version: 3 });
  sockets[0].receive({ type: "chat.updated" });
  assert.deepEqual(heard, ["snapshot 1", "balance 2", "beacon 3", "chat.updated"]);
});

for (const code of [4401, 4403, 4429]) {
  test(`${code} is final`, () => {
    sockets[0].close(code);
    mock.timers.tick(60_000);
    assert.deepEqual(heard, [`ended ${code}`]);
    live.open();
    live.reconnect();
    assert.equal(sockets.length, 1);
  });
}

test("retries wait longer and longer, with jitter, between 0.5 and 20 s", () => {
  mock.method(Math, "random", () => 1);
  for (const secs of [1, 2, 4, 8, 16, 20, 20]) {
    const before = sockets.length;
    sockets[before - 1].close(1006);
    mock.timers.tick(secs * 1000 - 1);
    assert.equal(sockets.length, before, `not before ${secs} s`);
    mock.timers.tick(1);
    assert.equal(sockets.length, before + 1, `after ${secs} s`);
  }
  mock.method(Math, "random", () => 0);
  sockets[sockets.length - 1].close(1012);
  mock.timers.tick(500);
  assert.equal(sockets.length, 9);
});

test("a connection that was up starts again from the shortest wait", () => {
  mock.method(Math, "random", () => 1);
  for (let n = 0; n < 5; n++) {
    sockets[sockets.length - 1].close(1006);
    mock.timers.tick(20_000);
  }
  const up = sockets.length;
  sockets[up - 1].receive({ type: "balance.snapshot", version: 1 });
  sockets[up - 1].close(1001);
  mock.timers.tick(1000);
  assert.equal(sockets.length, up + 1);
});

test("bye says when to come back", () => {
  sockets[0].receive({ type: "bye", retry_ms: 7000 });
  mock.timers.tick(6999);
  assert.equal(sockets.length, 1);
  mock.timers.tick(1);
  assert.equal(sockets.length, 2);
});

test("a line that died without a close is found by its silence", () => {
  mock.method(Math, "random", () => 0);
  sockets[0].receive({ type: "balance.snapshot", version: 1, beacon_secs: 10 });
  mock.timers.tick(24_000);
  assert.equal(sockets.length, 1);
  mock.timers.tick(1_000);
  mock.timers.tick(500);
  assert.equal(sockets.length, 2);
});

test("two tries without a snapshot are told, and every one after them", () => {
  mock.method(Math, "random", () => 0);
  sockets[0].close(1006);
  assert.deepEqual(heard, []);
  for (let n = 1; n < 4; n++) {
    mock.timers.tick(500);
    sockets[n].close(1006);
  }
  assert.deepEqual(heard, ["unreachable", "unreachable", "unreachable"]);
});

test("a connection that opens and says nothing is a try that failed", () => {
  mock.method(Math, "random", () => 0);
  mock.timers.tick(10_000);
  mock.timers.tick(500);
  assert.equal(sockets.length, 2);
});

test("what a dropped connection still says is not heard", () => {
  live.close();
  sockets[0].receive({ type: "balance.changed", version: 9 });
  assert.deepEqual(heard, []);
});

test("back from sleep, a line that must have died is not waited for", () => {
  sockets[0].receive({ type: "balance.snapshot", version: 1, beacon_secs: 25 });
  live.reconnect();
  assert.equal(sockets.length, 1, "a live one is kept");
  mock.timers.setTime(Date.now() + 3_600_000 - 1); // the clock jumps; no timer has run yet
  live.reconnect();
  assert.equal(sockets.length, 2);
});
