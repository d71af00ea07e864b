/**
 * The balance of the person who is signed in: the one store that every `<token-balance>` shows.
 *
 * Balances come over the socket, in HTTP answers, in reply streams, and from this person's other
 * tabs. The highest version wins, whichever way it came. `balance-feeds` decides when to ask.
 */

import { BalanceFetcher } from "payments/balance-fetcher";
import { UNKNOWN, inFlight, isNewer, reduce, shown } from "payments/balance-state";

/** @import { Action, Balance, View } from "payments/balance-types" */

const PENDING_MS = 30_000;
const STALE_MS = 30_000;

export class BalanceStore {
  #state = UNKNOWN;
  /** @type {Set<(view: View) => void>} */
  #listeners = new Set();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} One for each operation in flight. */
  #timers = new Map();
  #fetcher = new BalanceFetcher();
  #fetchWanted = false;
  #userId = "";
  #confirmedAt = -Infinity;

  /** @returns {View} */
  get state() {
    const { seen, error, ended } = this.#state;
    const number = shown(this.#state);
    return {
      shown: number,
      held: (seen?.held ?? 0) + inFlight(this.#state),
      debt: seen?.debt ?? 0,
      known: number !== null,
      error,
      signedOut: Boolean(ended),
      suspended: ended === "suspended",
      epoch: seen?.epoch ?? 0,
      version: seen?.version ?? 0,
      seen,
    };
  }

  /** Whose page this is. A balance that is somebody else's signs the page out. */
  setOwner(/** @type {string} */ userId) {
    this.#userId ||= userId;
  }

  /**
   * Take in a balance, from wherever it came.
   *
   * A newer one without `ops` may contain an operation in flight, which would then be taken off
   * twice: the store fetches the balance again when the last of them is over.
   *
   * @param {Balance} balance
   * @param {string} [settled] The operation that this is the answer to.
   */
  apply(balance, settled) {
    const { user_id, ops } = balance;
    const { seen } = this.#state;
    if (user_id && this.#userId && user_id !== this.#userId) return this.signOut();
    if (!ops && !settled && this.#busy && isNewer(balance, seen)) {
      this.#fetchWanted = true;
      return;
    }
    if (!seen || !isNewer(seen, balance)) this.#confirmedAt = Date.now();
    this.#dispatch({ type: "balance", balance, settled });
  }

  /**
   * Take the price of an operation off the shown number, until a balance contains it.
   *
   * @param {string} op Its Idempotency-Key.
   * @param {number} tokens
   */
  begin(op, tokens) {
    this.#dispatch({ type: "began", op, tokens });
    this.#timers.set(
      op,
      setTimeout(() => this.#timeOut(op), PENDING_MS),
    );
  }

  /** The operation is over: a balance contains it, or it was refused and none ever will. */
  settle(/** @type {string} */ op) {
    this.#dispatch({ type: "settled", op });
  }

  /** Returns true, and refetches, when the server's version is ahead of ours. */
  beacon(/** @type {{epoch: number, version: number}} */ beacon) {
    const { seen } = this.#state;
    if (beacon.epoch === seen?.epoch && !isNewer(beacon, seen)) {
      this.apply(seen);
      return false;
    }
    this.#confirmedAt = -Infinity;
    this.refetch();
    return true;
  }

  /** Show no number until the server has said whose it is: somebody else may be signed in now. */
  invalidate() {
    this.#fetcher.invalidate();
    this.#dispatch({ type: "loading" });
  }

  /** Forget the number, for good: nobody is signed in here any more. */
  signOut(/** @type {"signed-out" | "suspended"} */ why = "signed-out") {
    this.#dispatch({ type: "ended", why });
  }

  /**
   * Fetch the balance: now, or when the operations in flight are over.
   *
   * @returns {Promise<void>}
   */
  async refetch() {
    if (this.#state.ended) return;
    this.#fetchWanted = this.#busy;
    if (this.#fetchWanted) return;
    if (!this.state.known) this.#dispatch({ type: "loading" });
    try {
      const answer = await this.#fetcher.fetch();
      if (typeof answer === "string") this.signOut(answer);
      else this.apply(answer);
    } catch (error) {
      console.warn("balance: could not be fetched", error);
      // A number that was confirmed a moment ago outlives a hiccup of the network.
      if (this.stale || !this.state.known) this.#dispatch({ type: "failed" });
    }
  }

  /** Whether nothing has confirmed the number for 30 s: the tab was away, the machine asleep. */
  get stale() {
    return Date.now() - this.#confirmedAt > STALE_MS;
  }

  /**
   * Call `listener` now and after every change.
   *
   * @param {(view: View) => void} listener
   * @returns {() => void} Stops it.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }

  /** No balance and no refusal came: no number is right until the server has said which. */
  #timeOut(/** @type {string} */ op) {
    this.invalidate();
    this.settle(op);
    this.refetch();
  }

  get #busy() {
    return this.state.known && inFlight(this.#state) > 0;
  }

  /** @param {Action} action */
  #dispatch(action) {
    const before = this.#state;
    this.#state = reduce(before, action);
    if (this.#state === before) return;
    for (const [op, timer] of this.#timers) {
      if (op in this.#state.pending) continue;
      clearTimeout(timer);
      this.#timers.delete(op);
    }
    const view = this.state;
    for (const listener of this.#listeners) listener(view);
    if (this.#fetchWanted && !inFlight(this.#state)) this.refetch();
  }
}

export const store = new BalanceStore();
