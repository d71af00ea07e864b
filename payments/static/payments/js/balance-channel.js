/**
 * The balance among the tabs of one browser: what one tab hears, the others hear from it.
 *
 * A message is `{user, balance?}`; one without a balance only says who is signed in, as each page
 * does when it opens. A balance of somebody else is ignored; that somebody else is here at all
 * means that the session of this page is over, which the server is then asked to say.
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
  /** @type {Balance | null} */
  let told = null;
  channel.onmessage = ({ data }) => {
    if (data.user !== user) {
      if (!user || data.balance) return;
      store.doubt();
      store.refetch();
    } else if (data.balance) {
      told = data.balance;
      store.apply(data.balance);
    }
  };
  channel.postMessage({ user });
  store.subscribe(({ seen }) => {
    if (!seen || seen === told) return;
    told = seen;
    channel.postMessage({ user, balance: seen });
  });
}
