/**
 * What expires and what is owed, on the tokens page: follows the balance.
 *
 * The server knows which tokens are left of which grant; this only asks again when the balance
 * has moved.
 */

import { store } from "payments/balance-store";
import { tell } from "times";

const QUIET_MS = 150; // a reply writes two entries in one breath: ask once

/**
 * Keep the outlook in that element up to date.
 *
 * @param {HTMLElement} element
 */
export function connect(element) {
  let seen = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  store.subscribe(({ epoch, version }) => {
    const now = `${epoch}.${version}`;
    if (!version || now === seen) return;
    const isFirst = !seen; // the page came with it
    seen = now;
    clearTimeout(timer);
    if (!isFirst) timer = setTimeout(() => refresh(element), QUIET_MS);
  });
}

/** @param {HTMLElement} element */
async function refresh(element) {
  try {
    const response = await fetch(element.dataset.outlookUrl ?? "", {
      credentials: "same-origin",
      redirect: "error", // signed out elsewhere: the sign-in page is no outlook
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    element.innerHTML = await response.text();
    tell(element);
  } catch (error) {
    console.warn("outlook: could not be refreshed", error);
  }
}

const element = document.querySelector("[data-outlook]");
if (element instanceof HTMLElement) connect(element);
