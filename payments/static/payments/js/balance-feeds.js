/**
 * What feeds the store, and when: the socket while the page is in use, polling while the socket
 * cannot be had, one question when a page comes back that has heard nothing for a while.
 */

import { store } from "payments/balance-store";
import { connectChannel } from "payments/balance-channel";
import { BalanceSocket } from "payments/balance-socket";
import { emit } from "live-events";

const HIDDEN_MS = 60_000;
const POLL_MS = 12_000;
const POLL_SPREAD_MS = 3_000;
const RESYNC_SPREAD_MS = 5_000;
const WATCH_MS = 10_000;
const ASLEEP_MS = 30_000;

let connected = false;

/** Feed the store from here on; once a page, however often it is called. */
export function connect() {
  if (connected) return;
  connected = true;
  const { userId = "" } = document.body.dataset;
  store.belongsTo(userId);
  connectChannel(store, userId);
  if (userId) follow(store);
}

/** @param {import("payments/balance-store").BalanceStore} store */
export function follow(store) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let leaving;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let polling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let looking;
  let snapshots = 0;
  let away = false;

  const socket = new BalanceSocket({
    snapshot(balance) {
      const { known, version } = store.state;
      stopPolling();
      store.apply(balance);
      if (snapshots++ || (known && version !== balance.version)) resync();
    },
    apply: (balance) => store.apply(balance),
    beacon: (beacon) => store.beacon(beacon) && resync(),
    event: emit,
    unreachable: poll,
    ended(code) {
      if (code === 4401) return store.end(); // signed out
      if (code === 4403) store.doubt(); // suspended, or only this socket: the server will say
      poll();
    },
  });

  /**
   * The events of the gap are lost: look again. When a server comes back, so does everybody, so
   * what costs it a page is spread; who only was away need not wait.
   */
  function resync() {
    clearTimeout(looking);
    if (store.state.signedOut) return;
    looking = setTimeout(emit, away ? 0 : Math.random() * RESYNC_SPREAD_MS, { type: "resync" });
    away = false;
  }

  async function poll() {
    if (polling) return;
    const { version } = store.state;
    polling = setTimeout(() => {
      stopPolling();
      poll();
    }, POLL_MS + Math.random() * POLL_SPREAD_MS);
    await store.refetch();
    if (store.state.version !== version) resync();
  }

  function stopPolling() {
    clearTimeout(polling);
    polling = undefined;
  }

  function leave() {
    away = true;
    clearTimeout(looking);
    socket.close();
    stopPolling();
  }

  function comeBack() {
    if (document.hidden || store.state.signedOut) return;
    clearTimeout(leaving);
    if (store.stale) store.refetch();
    socket.hurry();
  }

  socket.open();
  // Whoever is signed in here next, no word of theirs belongs on this page.
  store.subscribe(({ signedOut }) => signedOut && leave());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leaving = setTimeout(leave, HIDDEN_MS);
    else comeBack();
  });
  addEventListener("online", comeBack);
  // A page with an open socket is not kept for the back button. One that is kept shows no number
  // until the server has said whose: it may be another's turn at this browser when it comes back.
  addEventListener("pagehide", () => {
    leave();
    store.doubt();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    store.refetch();
    comeBack();
  });
  // A machine that slept says nothing as it wakes, but its clock has jumped.
  let watched = Date.now();
  setInterval(() => {
    const slept = Date.now() - watched > ASLEEP_MS;
    watched = Date.now();
    if (slept) comeBack();
  }, WATCH_MS);
}
