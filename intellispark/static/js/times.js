/**
 * Times in the reader's own zone: ages in `<time data-ago>`, days in `<time data-day>`, in the
 * words that the server uses (`intellispark/templatetags/format.py`).
 */

import { t } from "strings";

const MINUTE_MS = 60_000;
const HOUR = 60; // in minutes
const DAY = 24 * HOUR;

const lang = document.documentElement.lang || "en";
const day = new Intl.DateTimeFormat(lang, { dateStyle: "long" });
const dayOfYear = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "medium" });

/** Show the times of the page, and again every minute. */
export function connect() {
  showTimes(document);
  setInterval(() => showTimes(document), MINUTE_MS);
}

/**
 * Show the times inside: for what came into the page later.
 *
 * @param {ParentNode} root
 */
export function showTimes(root) {
  const now = new Date();
  for (const time of root.querySelectorAll("time")) {
    const { ago: isAge, day: isDay } = time.dataset;
    if (isAge === undefined && isDay === undefined) continue;
    const when = new Date(time.dateTime);
    time.textContent = isDay === undefined ? ago(when, now) : day.format(when);
    time.title = full.format(when);
  }
}

/**
 * How long ago that was; the date, when it is seven days or more.
 *
 * @param {Date} when
 * @param {Date} now
 */
export function ago(when, now) {
  const minutes = Math.floor((now.getTime() - when.getTime()) / MINUTE_MS);
  if (minutes < 1) return t("time.now");
  if (minutes < HOUR) return t("time.minutes", { n: minutes });
  if (minutes < DAY) return t("time.hours", { n: Math.floor(minutes / HOUR) });
  if (minutes < 7 * DAY) return t("time.days", { n: Math.floor(minutes / DAY) });
  return (when.getFullYear() === now.getFullYear() ? dayOfYear : day).format(when);
}
