/**
 * Shows a note from when a request has failed until the server is reached again.
 *
 * What fails may be one request only, so another one confirms it; then the server is asked until
 * it answers. That the browser believes to be offline or online is a reason to ask at once.
 */

import { on } from "live-events";

const URL_ALIVE = "/healthz";
const TIMEOUT_MS = 10_000;
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

/** @param {Document} root */
export function connect(root) {
  /** @type {HTMLElement | null} */
  const note = root.querySelector("[data-offline]");
  if (!note) return;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let tries = 0;
  let asking = false;

  function reached() {
    clearTimeout(timer);
    tries = 0;
    if (note) note.hidden = true;
  }

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      await fetch(URL_ALIVE, { method: "HEAD", cache: "no-store", signal });
      reached();
    } catch {
      if (note) note.hidden = false;
      const most = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** tries++);
      timer = setTimeout(ask, most * (0.5 + Math.random() / 2));
    } finally {
      asking = false;
    }
  }

  on("network.reached", reached);
  on("balance.snapshot", reached); // a socket has opened
  on("network.failed", ask);
  addEventListener("offline", ask);
  addEventListener("online", ask);
}
