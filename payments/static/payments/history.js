/**
 * The history on the tokens page: follows the balance, and tells times in the reader's own zone.
 *
 * The server renders it; this only asks for it again when the balance has moved, with the page's
 * own query, so that filter and page stay as they are.
 */

import { store } from "balance";

const QUIET_MS = 150; // a reply writes two entries in one breath: ask once
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const lang = document.documentElement.lang || "en";
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "medium" });

/**
 * Keep the history in that element up to date.
 *
 * @param {HTMLElement} element
 */
export function connect(element) {
  let seen = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  tellTimes(element);
  setInterval(() => tellTimes(element), MINUTE_MS);
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
  tellTimes(element);
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

/** @param {HTMLElement} element */
function tellTimes(element) {
  for (const time of element.querySelectorAll("time")) {
    const when = new Date(time.dateTime);
    time.textContent = inWords(when, new Date());
    time.title = full.format(when);
  }
}

/**
 * As near as it matters: minutes, then the time of the day, then the day.
 *
 * @param {Date} when
 * @param {Date} now
 */
export function inWords(when, now) {
  const age = now.getTime() - when.getTime();
  if (age < MINUTE_MS) return relative.format(0, "second");
  if (age < HOUR_MS) return relative.format(-Math.floor(age / MINUTE_MS), "minute");
  if (when.toDateString() === now.toDateString()) {
    const today = relative.format(0, "day");
    return `${today.charAt(0).toUpperCase()}${today.slice(1)} ${clock.format(when)}`;
  }
  return (when.getFullYear() === now.getFullYear() ? day : dayOfYear).format(when);
}

const element = document.querySelector("[data-history]");
if (element instanceof HTMLElement) connect(element);
