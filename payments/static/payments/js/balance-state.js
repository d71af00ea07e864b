/**
 * What this page knows of the balance, and how it changes: one pure reducer, no I/O.
 *
 * Balances are absolute and numbered by `version`, so the newest one replaces all that came before
 * and an older one is dropped. Operations that this page has begun, and that no balance contains
 * yet, lie over it: `shown = max(0, available - Σ pending)`. A balance whose `ops` name an
 * operation contains it, so number and overlay change in the same step and nothing jumps twice.
 */

/** @import { Action, Balance, State } from "payments/balance-types" */

/** @type {State} */
export const UNKNOWN = Object.freeze({
  seen: null,
  pending: {},
  loading: true,
  error: false,
  ended: "",
});

/**
 * The state after that action; the same object when nothing changed.
 *
 * @param {State} state
 * @param {Action} action
 * @returns {State}
 */
export function reduce(state, action) {
  if (state.ended) return state;
  switch (action.type) {
    case "balance":
      return withBalance(state, action.balance, action.settled);
    case "began":
      return { ...state, pending: { ...state.pending, [action.op]: action.tokens } };
    case "settled":
      return without(state, [action.op]);
    case "loading":
      return withFlags(state, true, false);
    case "failed":
      return withFlags(state, false, true);
    case "ended":
      return { ...UNKNOWN, loading: false, ended: action.why };
  }
}

/**
 * Newer in the order of the server: a higher version of the same epoch, or any of a higher epoch.
 *
 * @param {{epoch: number, version: number}} balance
 * @param {Balance | null} seen
 */
export function isNewer(balance, seen) {
  if (!seen) return true;
  if (balance.epoch !== seen.epoch) return balance.epoch > seen.epoch;
  return balance.version > seen.version;
}

/**
 * What can be spent as far as this page knows, or null while it cannot tell.
 *
 * @param {State} state
 */
export function shown(state) {
  if (!state.seen || state.loading || state.error) return null;
  return Math.max(0, state.seen.available - inFlight(state));
}

/**
 * Tokens of the operations that no balance contains yet.
 *
 * @param {State} state
 */
export function inFlight(state) {
  return Object.values(state.pending).reduce((sum, tokens) => sum + tokens, 0);
}

/**
 * A newer balance replaces the number; the same one confirms it; an older one proves nothing.
 * Each of them settles its operations: the number that stays contains them.
 *
 * @param {State} state
 * @param {Balance} balance
 * @param {string} [settled]
 * @returns {State}
 */
function withBalance(state, balance, settled) {
  const rest = without(state, [...(balance.ops ?? []), ...(settled ? [settled] : [])]);
  if (isNewer(balance, state.seen)) return { ...rest, seen: balance, loading: false, error: false };
  return state.seen && isNewer(state.seen, balance) ? rest : withFlags(rest, false, false);
}

/**
 * @param {State} state
 * @param {string[]} ops
 * @returns {State}
 */
function without(state, ops) {
  if (!ops.some((op) => op in state.pending)) return state;
  const pending = Object.entries(state.pending).filter(([op]) => !ops.includes(op));
  return { ...state, pending: Object.fromEntries(pending) };
}

/**
 * @param {State} state
 * @param {boolean} loading
 * @param {boolean} error
 * @returns {State}
 */
function withFlags(state, loading, error) {
  return state.loading === loading && state.error === error ? state : { ...state, loading, error };
}
