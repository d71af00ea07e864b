/**
 * Times in the reader's own zone, in the words in which the server says them
 * (`intellispark/templatetags/format.py`): ages in `<time data-ago>`, days in `<time data-day>`.
 */

import { t } from "strings";

const MINUTE_MS = 60_000;
const HOUR = 60; // in minutes
const DAY = 24 * HOUR;

const lang = document.documentElement.lang || "en";
const day = new Intl.DateTimeFormat(lang, { dateStyle: "long" });
const dayOfYear = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "medium" });

/** Tell the times of the page, and go on as they pass. */
export function connect() {
  tell(document);
  setInterval(() => tell(document), MINUTE_MS);
}

/**
 * Tell the times inside; for what has come into the page since.
 *
 * @param {ParentNode} root
 */
export function tell(root) {
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
 * How long ago; older than six days: the date.
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
