/**
 * The balance of the person who is signed in: the one store that every `<token-balance>` shows.
 *
 * Four feeds end in the same reducer: the socket, balances in HTTP answers, the events of reply
 * streams, and this person's other tabs. Whichever comes first wins; the rest are dropped by
 * their version. See `balance-feeds` for when which of them is asked.
 */

import { UNKNOWN, inFlight, isNewer, reduce, shown } from "payments/balance-state";

/** @import { Action, Balance, View } from "payments/balance-types" */

const URL_TOKENS = "/api/payment/user/tokens";
const PENDING_MS = 30_000;
const STALE_MS = 30_000;
const FETCH_TIMEOUT_MS = 10_000;

export class BalanceStore {
  #state = UNKNOWN;
  /** @type {Set<(view: View) => void>} */
  #listeners = new Set();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /** @type {Promise<void> | undefined} */
  #refetching;
  #refetchWanted = false;
  #etag = "";
  #userId = "";
  #doubts = 0;
  #confirmedAt = -Infinity;

  /** @returns {View} */
  get state() {
    const { seen, error, ended } = this.#state;
    const number = shown(this.#state);
    const pending = inFlight(this.#state);
    return {
      shown: number,
      held: (seen?.held ?? 0) + pending,
      debt: seen?.debt ?? 0,
      pending,
      known: number !== null,
      error,
      signedOut: Boolean(ended),
      suspended: ended === "suspended",
      epoch: seen?.epoch ?? 0,
      version: seen?.version ?? 0,
      seen,
    };
  }

  /** Whose page this is: a balance that is somebody else's means that the session changed. */
  belongsTo(/** @type {string} */ userId) {
    this.#userId ||= userId;
  }

  /**
   * Take in a balance from wherever it came.
   *
   * One without `ops`, while operations are in flight, could count one of them twice: it is asked
   * for again when they are over.
   *
   * @param {Balance} balance
   * @param {string} [settled] The operation that this is the answer to.
   */
  apply(balance, settled) {
    const { user_id, ops } = balance;
    if (user_id && this.#userId && user_id !== this.#userId) return this.end();
    if (!ops && !settled && this.#busy) {
      this.#refetchWanted = true;
      return;
    }
    if (!this.#state.seen || !isNewer(this.#state.seen, balance)) this.#confirmedAt = Date.now();
    this.#dispatch({ type: "balance", balance, settled });
  }

  /**
   * Take the price of an operation off the shown number, until a balance tells of it.
   *
   * @param {string} op Its Idempotency-Key.
   * @param {number} tokens
   */
  begin(op, tokens) {
    this.#dispatch({ type: "began", op, tokens });
    this.#timers.set(
      op,
      setTimeout(() => this.#overdue(op), PENDING_MS),
    );
  }

  /** The operation is over: a balance tells of it, or it was refused and none ever will. */
  settle(/** @type {string} */ op) {
    this.#dispatch({ type: "settled", op });
  }

  /** A beacon carries no balance; of one that is ahead, and says that a frame was lost, it is true. */
  beacon(/** @type {{epoch: number, version: number}} */ beacon) {
    const { seen } = this.#state;
    if (beacon.epoch === seen?.epoch && !isNewer(beacon, seen)) return this.#confirm(seen);
    this.#confirmedAt = -Infinity;
    this.refetch();
    return true;
  }

  /**
   * Somebody else may be here now: show no number until the server has said whose it is. Their
   * version may be the same, so what was known is no answer to that, nor is one on its way.
   */
  doubt() {
    this.#etag = "";
    this.#doubts++;
    this.#dispatch({ type: "loading" });
  }

  /** Nobody is here any more: forget the number, and show none. */
  end(/** @type {"signed-out" | "suspended"} */ why = "signed-out") {
    this.#dispatch({ type: "ended", why });
  }

  /**
   * Fetch the balance; one request at a time, and none while operations are in flight.
   *
   * @returns {Promise<void>}
   */
  async refetch() {
    if (this.#state.ended) return;
    if (this.#busy) {
      this.#refetchWanted = true;
      return;
    }
    this.#refetching ??= this.#fetch().finally(() => {
      this.#refetching = undefined;
    });
    await this.#refetching;
  }

  /** Whether nothing has confirmed the number for a while: the tab was away, the machine asleep. */
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

  /** @param {Balance} seen It still is what the server has. */
  #confirm(seen) {
    this.apply({ ...seen, ops: [] });
  }

  /** Nobody has told what became of it: no number is right until the server was asked. */
  #overdue(/** @type {string} */ op) {
    this.doubt();
    this.settle(op);
    this.refetch();
  }

  get #busy() {
    return this.state.known && this.state.pending > 0;
  }

  /** @returns {Promise<void>} */
  async #fetch() {
    this.#refetchWanted = false;
    if (!this.state.known) this.#dispatch({ type: "loading" });
    const doubts = this.#doubts;
    try {
      const response = await fetch(URL_TOKENS, {
        headers: this.#etag && this.#state.seen ? { "If-None-Match": this.#etag } : {},
        credentials: "same-origin",
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      });
      const balance = response.ok ? await response.json() : null;
      if (doubts !== this.#doubts) return this.#fetch();
      this.#answered(response, balance);
    } catch (error) {
      console.warn("balance: could not be fetched", error);
      // A number that was confirmed a moment ago outlives a hiccup of the network.
      if (this.stale || !this.state.known) this.#dispatch({ type: "failed" });
    }
  }

  /**
   * @param {Response} response
   * @param {Balance | null} balance
   */
  #answered(response, balance) {
    if (response.status === 401) return this.end();
    if (response.status === 403) return this.end("suspended");
    if (response.status === 304 && this.#state.seen) return this.#confirm(this.#state.seen);
    if (!balance) throw new Error(`HTTP ${response.status}`);
    this.#etag = response.headers.get("ETag") ?? "";
    this.apply(balance);
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
    if (this.#refetchWanted && !view.pending) this.refetch();
  }
}

export const store = new BalanceStore();
