/**
 * The lists of chats, in the sidebar and on their own page, follow what happens elsewhere.
 *
 * Titles, order, removals and what was said last need no request: the event says it all. A chat
 * that is new here is taken from the server's own page, once for everything that happens within a
 * moment, and only while somebody is looking.
 */

import { on } from "live-events";
import { tell } from "times";

const MOMENT_MS = 400;
const IN_USE_MS = 2000;
const IN_USE = ":focus-within, :has(details[open])";

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let url = "";

/** @param {Document} root */
export function connect(root) {
  const recent = root.querySelector("[data-recent-chats]");
  if (!(recent instanceof HTMLElement)) return;
  const onList = root.querySelector("[data-chats]") !== null;
  url = onList ? location.href : (recent.dataset.recentChats ?? "");
  on("chat.updated", ({ chat_id, title, updated_at }) => {
    renamed(chat_id, title);
    if (!moved(chat_id, updated_at)) redraw();
  });
  on("chat.deleted", ({ chat_id }) => removed(chat_id));
  on("reply.finished", ({ chat_id, preview, updated_at }) => {
    const here = moved(chat_id, updated_at);
    said(chat_id, preview, updated_at);
    if (!here) redraw();
  });
  on("resync", redraw);
}

/**
 * Show that title wherever the chat stands.
 *
 * @param {string} chatId
 * @param {string} title
 */
export function renamed(chatId, title) {
  for (const element of elementsOf(chatId)) {
    const place = element.querySelector("[data-title]");
    if (place) place.textContent = title;
  }
}

/**
 * Show what was said last, unless something was said since.
 *
 * @param {string} chatId
 * @param {string} preview
 * @param {string} updatedAt
 */
function said(chatId, preview, updatedAt) {
  for (const element of elementsOf(chatId)) {
    if (Date.parse(updatedAt) < Date.parse(element.dataset.updated ?? "")) continue;
    const last = element.querySelector("[data-last]");
    if (last) last.textContent = preview;
    const time = element.querySelector("time");
    if (time) time.dateTime = updatedAt;
    tell(element);
  }
}

/** Take the chat out of the lists; the server fills the gap. */
export function removed(/** @type {string} */ chatId) {
  const elements = elementsOf(chatId);
  for (const element of elements) element.remove();
  if (elements.length) redraw();
}

/**
 * Put the chat on top, if that was activity; one that was so before stays where it is.
 *
 * @param {string} chatId
 * @param {string} updatedAt
 * @returns {boolean} False when the server has to draw it, because it is not here yet.
 */
function moved(chatId, updatedAt) {
  const elements = elementsOf(chatId);
  for (const element of elements) {
    const list = element.parentElement;
    if (!list || Date.parse(updatedAt) <= Date.parse(element.dataset.updated ?? "")) continue;
    element.dataset.updated = updatedAt;
    const first = list.querySelector("[data-updated]");
    if (first === element) continue;
    if (list.matches(IN_USE)) return false;
    list.insertBefore(element, first);
  }
  return elements.some((element) => "recentChat" in element.dataset);
}

/** @param {string} chatId */
function elementsOf(chatId) {
  const id = CSS.escape(chatId);
  const found = document.querySelectorAll(`[data-recent-chat="${id}"], [data-chat-row="${id}"]`);
  return [...found].filter((element) => element instanceof HTMLElement);
}

function redraw() {
  timer ??= setTimeout(look, MOMENT_MS);
}

async function look() {
  timer = undefined;
  if (document.hidden) {
    document.addEventListener("visibilitychange", redraw, { once: true });
    return;
  }
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok || response.redirected) return; // signed out: the balance says so
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const late = ["[data-recent-chats]", "[data-chats]"].filter((place) => !swap(place, page));
    if (late.length) timer ??= setTimeout(look, IN_USE_MS);
  } catch (error) {
    console.warn("chats: could not be looked up", error); // the next event looks again
  }
}

/**
 * Put the server's drawing in place of what stands there.
 *
 * @param {string} place
 * @param {Document} page
 * @returns {boolean} False while somebody is using what stands there: it must not move then.
 */
function swap(place, page) {
  const old = document.querySelector(place);
  const drawn = page.querySelector(place);
  if (!old || !drawn) return true;
  if (old.matches(IN_USE)) return false;
  const here = drawn.querySelector(`[data-recent-chat][href="${CSS.escape(location.pathname)}"]`);
  for (const link of drawn.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  here?.setAttribute("aria-current", "page");
  old.replaceChildren(...drawn.childNodes);
  tell(old);
  return true;
}
