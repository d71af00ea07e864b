/**
 * A wallet on a server, a network that loses, doubles and reorders, and a page that hears of it.
 *
 * `run(modules, seed)` plays one random story and throws where the page breaks a promise:
 * - the version it shows never goes back, in a higher epoch apart;
 * - the number it shows is never above what can be spent: what the newest balance it has heard
 *   left, less the operations of its own that are not in that balance and were not refused;
 * - whatever was lost, one beacon later it shows the server's number.
 */

import assert from "node:assert/strict";

const STEPS = 60;
const LOST = 0.25;
const DOUBLED = 0.2;

/** @typedef {import("payments/balance-types").Balance} Balance */
/** @typedef {new () => import("payments/balance-store").BalanceStore} StoreClass */

/** The server: every balance that ever was, and the operations each of them contains. */
class Server {
  epoch = 1;
  /** @type {{balance: Balance, contains: Set<string>}[]} */
  history = [];
  /** @type {string[]} Held, and neither captured nor released. */
  open = [];

  constructor() {
    this.#add({ version: 1, available: 5, held: 0 }, "");
  }

  get now() {
    return this.history[this.history.length - 1];
  }

  /** @param {{epoch: number, version: number}} which */
  at({ epoch, version }) {
    const found = this.history.find(
      ({ balance }) => balance.epoch === epoch && balance.version === version,
    );
    assert.ok(found, `no version ${epoch}.${version}`);
    return found;
  }

  /**
   * @param {{available: number, held: number}} change
   * @param {string} [op]
   */
  commit({ available, held }, op = "") {
    const { balance } = this.now;
    return this.#add(
      {
        version: balance.version + 1,
        available: balance.available + available,
        held: balance.held + held,
      },
      op,
    );
  }

  /** A backup was restored: the same wallet in a new epoch, with a lower version perhaps. */
  restore() {
    const { balance } = this.history[Math.floor(this.history.length / 2)];
    this.epoch++;
    this.open = [];
    return this.#add({ version: balance.version, available: balance.available, held: 0 }, "");
  }

  /**
   * @param {{version: number, available: number, held: number}} values
   * @param {string} op
   */
  #add({ version, available, held }, op) {
    const contains = new Set(this.history.length ? this.now.contains : []);
    if (op) contains.add(op);
    const balance = {
      epoch: this.epoch,
      version,
      balance: available + held,
      held,
      available,
      debt: 0,
      ops: op ? [op] : [],
    };
    this.history.push({ balance, contains });
    return balance;
  }
}

/**
 * @param {StoreClass} BalanceStore
 * @param {number} seed
 * @param {(ms: number) => void} pass Lets the clock of the timers run.
 */
export async function run(BalanceStore, seed, pass) {
  const random = generator(seed);
  const chance = (/** @type {number} */ share) => random() < share;
  const server = new Server();
  const store = new BalanceStore();
  /** @type {Balance[]} */
  let network = [];
  /** @type {string[]} */
  const refusals = [];
  /** @type {Set<string>} */
  const mine = new Set();
  let heard = server.now.balance;
  let shownVersion = { epoch: 0, version: 0 };
  /** @type {unknown} What was broken while an answer was taken in, where no caller hears of it. */
  let broken;
  globalThis.fetch = async () => {
    if (chance(LOST)) throw new TypeError("lost");
    const { ops, ...balance } = server.now.balance;
    return Response.json(balance);
  };

  store.apply(heard);
  store.subscribe(() => {
    try {
      check();
    } catch (error) {
      broken ??= error;
    }
  });
  for (let step = 0; step < STEPS; step++) await play(step);
  await settleAll();
  for (let tries = 0; tries < 20 && !agrees(); tries++) {
    store.beacon(server.now.balance); // the answer to it may be lost as well: then the next one
    await turn();
  }
  if (broken) throw broken;
  assert.equal(store.state.shown, server.now.balance.available, `seed ${seed}: after a beacon`);
  assert.equal(store.state.version, server.now.balance.version, `seed ${seed}: its version`);

  /** @param {number} step */
  async function play(step) {
    const dice = random();
    if (dice < 0.2) ask(`op${step}`);
    else if (dice < 0.35) settleOne();
    else if (dice < 0.42) send(server.commit({ available: Math.ceil(random() * 5), held: 0 }));
    else if (dice < 0.5 && server.now.balance.available > 0) {
      send(server.commit({ available: -1, held: 0 })); // spent on another device
    } else if (dice < 0.505) send(server.restore());
    else if (dice < 0.56) {
      store.beacon(server.now.balance);
      await turn();
    } else if (dice < 0.63 && refusals.length) store.settle(refusals.shift() ?? "");
    else if (network.length) deliver();
    check();
  }

  /** The page begins an operation: the server takes it, or refuses; the answer may be lost. */
  function ask(/** @type {string} */ op) {
    store.begin(op, 1);
    if (server.now.balance.available < 1) {
      refusals.push(op);
      return;
    }
    mine.add(op);
    server.open.push(op);
    const balance = server.commit({ available: -1, held: 1 }, op);
    send(balance);
    if (chance(0.5)) hear(balance, op);
  }

  /** A reply ends: captured, or released. Its answer comes late: after whatever was committed. */
  function settleOne() {
    const op = server.open.shift();
    if (!op) return;
    const balance = chance(0.7)
      ? server.commit({ available: 0, held: -1 }, op)
      : server.commit({ available: 1, held: -1 }, op);
    send(balance);
    if (chance(0.5)) hear(balance, op);
  }

  async function settleAll() {
    await turn(); // no timer fires between two promises
    pass(30_000); // what was never answered is dropped then
    await turn();
  }

  function send(/** @type {Balance} */ balance) {
    if (chance(LOST)) return;
    network.push(balance);
    if (chance(DOUBLED)) network.push(balance);
  }

  function deliver() {
    const [balance] = network.splice(Math.floor(random() * network.length), 1);
    hear(balance);
  }

  /**
   * @param {Balance} balance
   * @param {string} [op]
   */
  function hear(balance, op) {
    if (isLater(balance, heard)) heard = balance;
    store.apply(balance, op);
  }

  function check() {
    const { epoch, version, shown, seen } = store.state;
    assert.ok(!isLater(shownVersion, { epoch, version }), `seed ${seed}: the version went back`);
    shownVersion = { epoch, version };
    if (shown === null || !seen) return;
    assert.ok(!isLater(heard, seen) , `seed ${seed}: newer news was dropped`);
    const { balance, contains } = server.at(seen);
    const unheard = [...mine].filter((op) => !contains.has(op)).length;
    const most = Math.max(0, balance.available - unheard);
    assert.ok(shown <= most, `seed ${seed}: ${shown} shown, ${most} can be spent`);
  }

  function agrees() {
    const { balance } = server.now;
    return store.state.shown === balance.available && store.state.version === balance.version;
  }
}

/**
 * @param {{epoch: number, version: number}} one
 * @param {{epoch: number, version: number}} other
 */
function isLater(one, other) {
  return one.epoch === other.epoch ? one.version > other.version : one.epoch > other.epoch;
}

/** Everything that was promised so far, an answer of the server included. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @param {number} seed A small generator with a seed (mulberry32), so that a failure repeats. */
function generator(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
