/**
 * What feeds the store, and when: the socket while the page is in use, polling while there is no
 * socket, and one request when a page comes back whose number nothing has confirmed for a while.
 */

import { emit, on } from "live-events";
import { connectChannel } from "payments/balance-channel";
import { BalanceSocket } from "payments/balance-socket";
import { store } from "payments/balance-store";

const HIDDEN_MS = 60_000;
const POLL_MS = 12_000;
const POLL_SPREAD_MS = 3_000;
const RESYNC_SPREAD_MS = 5_000;
const CLOCK_MS = 10_000;
const ASLEEP_MS = 30_000;

/** Feed the page's store from here on. */
export function connect() {
  const { userId = "" } = document.body.dataset;
  store.setOwner(userId);
  connectChannel(store, userId);
  connectAnswers(store);
  if (userId) connectServer(store);
}

/**
 * Hand the store the balances in answers of the API, and its word that nobody is signed in.
 *
 * @param {import("payments/balance-store").BalanceStore} store
 */
export function connectAnswers(store) {
  on("api.answered", ({ key, data, error }) => {
    if (data?.balance?.version !== undefined) store.apply(data.balance, key);
    if (error?.status === 401) store.signOut();
    if (error?.code === "suspended") store.signOut("suspended");
  });
}

/**
 * Keep the store in step with the server for as long as the page is in use.
 *
 * @param {import("payments/balance-store").BalanceStore} store
 */
export function connectServer(store) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pauseTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pollTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resyncTimer;
  let snapshots = 0;
  let wasPaused = false;

  const socket = new BalanceSocket({
    snapshot(balance) {
      const { known, version } = store.state;
      emit(balance);
      stopPolling();
      store.apply(balance);
      if (snapshots++ || (known && version !== balance.version)) resync();
    },
    apply: (balance) => store.apply(balance),
    beacon: (beacon) => store.beacon(beacon) && resync(),
    event: emit,
    unreachable: poll,
    ended(code) {
      if (code === 4401) return store.signOut();
      if (code === 4403) store.invalidate(); // suspended, or only this socket
      poll();
    },
  });

  /**
   * Events may have been missed: whoever shows them looks again. After a restart of the server
   * all pages do so, so they spread it; a page that was only paused need not wait.
   */
  function resync() {
    clearTimeout(resyncTimer);
    if (store.state.signedOut) return;
    const ms = wasPaused ? 0 : Math.random() * RESYNC_SPREAD_MS;
    resyncTimer = setTimeout(emit, ms, { type: "resync" });
    wasPaused = false;
  }

  async function poll() {
    if (pollTimer) return;
    const { version } = store.state;
    pollTimer = setTimeout(() => {
      stopPolling();
      poll();
    }, POLL_MS + Math.random() * POLL_SPREAD_MS);
    await store.refetch();
    if (store.state.version !== version) resync();
  }

  function stopPolling() {
    clearTimeout(pollTimer);
    pollTimer = undefined;
  }

  function pause() {
    wasPaused = true;
    clearTimeout(resyncTimer);
    socket.close();
    stopPolling();
  }

  function resume() {
    if (document.hidden || store.state.signedOut) return;
    clearTimeout(pauseTimer);
    if (store.stale) store.refetch();
    socket.reconnect();
  }

  socket.open();
  // Once signed out, the page listens no more: what comes next may be for somebody else.
  store.subscribe(({ signedOut }) => signedOut && pause());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) pauseTimer = setTimeout(pause, HIDDEN_MS);
    else resume();
  });
  addEventListener("online", resume);
  // The browser keeps no page with an open socket for its back button. A page that it keeps may
  // come back in somebody else's session, so it shows no number until the server has said whose.
  addEventListener("pagehide", () => {
    pause();
    store.invalidate();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    store.refetch();
    resume();
  });
  // No event says that the machine was asleep; but its clock has jumped.
  let lastTick = Date.now();
  setInterval(() => {
    const slept = Date.now() - lastTick > ASLEEP_MS;
    lastTick = Date.now();
    if (slept) resume();
  }, CLOCK_MS);
}
