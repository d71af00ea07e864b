/**
 * The history on the tokens page: follows the balance.
 *
 * The server renders it; this only asks for it again when the balance has moved, with the page's
 * own query, so that filter and page stay as they are.
 */

import { store } from "payments/balance-store";
import { tell } from "times";

const QUIET_MS = 150; // a reply writes two entries in one breath: ask once

/**
 * Keep the history in that element up to date.
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
    // The page came with the number that its first balance repeats: nothing to ask for then.
    const isFirst = !seen && version === newest(element);
    seen = now;
    clearTimeout(timer);
    if (!isFirst) timer = setTimeout(() => refresh(element), QUIET_MS);
  });
  forgetPurchase();
}

/** @param {HTMLElement} element */
async function refresh(element) {
  const query = new URLSearchParams(location.search);
  try {
    const response = await fetch(`${element.dataset.historyUrl}?${query}`, {
      credentials: "same-origin",
      redirect: "error", // signed out elsewhere: the sign-in page is no history
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    replace(element, await response.text());
  } catch (error) {
    console.warn("history: could not be refreshed", error);
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} html
 */
function replace(element, html) {
  const before = newest(element);
  const focused = document.activeElement;
  const keep = focused instanceof HTMLElement && element.contains(focused) ? focused.dataset.keep : "";
  element.innerHTML = html;
  tell(element);
  for (const row of rows(element)) {
    if (Number(row.dataset.version) > before) row.classList.add("entry--new");
  }
  const again = keep && element.querySelector(`[data-keep="${keep}"]`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** @param {HTMLElement} element */
function rows(element) {
  return /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-version]"));
}

/** The version of the newest entry in sight, or 0. */
function newest(/** @type {HTMLElement} */ element) {
  return Number(rows(element)[0]?.dataset.version ?? 0);
}

/** A reload of `?purchase=…` should not tell of it again, and a shared address not name it. */
function forgetPurchase() {
  const address = new URL(location.href);
  if (!address.searchParams.has("purchase") || document.querySelector("[data-told=pending]")) return;
  address.searchParams.delete("purchase");
  history.replaceState(history.state, "", address);
}

const element = document.querySelector("[data-history]");
if (element instanceof HTMLElement) connect(element);
