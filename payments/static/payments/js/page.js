/**
 * The tokens page: its history, and what expires when, follow the balance.
 *
 * The server renders both. When the balance has moved, this asks for them again with the page's
 * own query, so that filter and page of the history stay as they are.
 */

import { send } from "network";
import { store } from "payments/balance-store";
import { showTimes } from "times";

const QUIET_MS = 150; // a reply writes two entries at once: ask once

/**
 * Replace the content of that element whenever the balance has moved.
 *
 * @param {HTMLElement} element With the address of its content in `data-refresh-url`.
 */
export function connect(element) {
  let shown = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  store.subscribe(({ epoch, version }) => {
    const now = `${epoch}.${version}`;
    if (!version || now === shown) return;
    // The content came with the page and its balance, unless an entry was written in between.
    const isCurrent = !shown && version === (newestVersion(element) ?? version);
    shown = now;
    clearTimeout(timer);
    if (!isCurrent) timer = setTimeout(() => refresh(element), QUIET_MS);
  });
}

/** @param {HTMLElement} element */
async function refresh(element) {
  const url = element.dataset.refreshUrl + location.search;
  try {
    const response = await send(url, {
      redirect: "error", // signed out elsewhere: that would be the sign-in page
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    replace(element, await response.text());
  } catch (error) {
    console.warn(`${url}: could not be refreshed`, error); // the next change asks again
  }
}

/**
 * Put the content in place, mark the entries that are new in it, and give the focus back.
 *
 * @param {HTMLElement} element
 * @param {string} html
 */
function replace(element, html) {
  const before = newestVersion(element) ?? 0;
  const focused = document.activeElement;
  const keep = focused instanceof HTMLElement && element.contains(focused) ? focused.dataset.keep : "";
  element.innerHTML = html;
  showTimes(element);
  for (const row of rows(element)) {
    if (Number(row.dataset.version) > before) row.classList.add("entry--new");
  }
  const again = keep && element.querySelector(`[data-keep="${keep}"]`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/**
 * @param {HTMLElement} element
 * @returns {NodeListOf<HTMLElement>}
 */
function rows(element) {
  return element.querySelectorAll("[data-version]");
}

/**
 * The version of the newest ledger entry in sight, if there is one.
 *
 * @param {HTMLElement} element
 */
function newestVersion(element) {
  const version = rows(element)[0]?.dataset.version;
  return version ? Number(version) : undefined;
}

/** So that a reload does not report the purchase again, nor a shared address name it. */
function removePurchaseFromAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("purchase") || document.querySelector("[data-purchase=pending]")) return;
  address.searchParams.delete("purchase");
  history.replaceState(history.state, "", address);
}

for (const element of document.querySelectorAll("[data-refresh-url]")) {
  if (element instanceof HTMLElement) connect(element);
}
removePurchaseFromAddress();
