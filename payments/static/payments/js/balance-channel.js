/**
 * The balance among the tabs of one browser: what one tab hears, it hands to the others.
 *
 * A message is `{user, balance?}`. Each page sends one without a balance when it opens, which only
 * says who is signed in. A page of somebody else then asks the server, since its session may be
 * over; it never takes in a balance of another person's.
 */

/** @import { BalanceStore } from "payments/balance-store" */
/** @import { Balance } from "payments/balance-types" */

/**
 * @param {BalanceStore} store
 * @param {string} user Whose page this is; "" on a page of nobody.
 */
export function connectChannel(store, user) {
  if (!("BroadcastChannel" in globalThis)) return;
  const channel = new BroadcastChannel("balance");
  /** @type {Balance | null} What all tabs have: sent from here, or received. */
  let shared = null;
  channel.onmessage = ({ data }) => {
    if (data.user !== user) {
      if (!user || data.balance) return;
      store.invalidate();
      store.refetch();
    } else if (data.balance) {
      shared = data.balance;
      store.apply(data.balance);
    }
  };
  channel.postMessage({ user });
  store.subscribe(({ seen }) => {
    if (!seen || seen === shared) return;
    shared = seen;
    channel.postMessage({ user, balance: seen });
  });
}
