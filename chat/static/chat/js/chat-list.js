/**
 * The lists of chats, in the sidebar and on their own page, follow what happens elsewhere.
 *
 * Titles, order, removals and previews need no request: the event carries them. A chat that is new
 * here is taken from the server's own page: one request for all that happens within a moment, and
 * only while somebody is looking.
 */

import { on } from "live-events";
import { send } from "network";
import { showTimes } from "times";

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
  on("chat.updated", ({ chat_id, title, title_given, updated_at }) => {
    if (title_given) setTitle(chat_id, title); // else the page shows it in its own language
    if (!moveToTop(chat_id, updated_at)) scheduleFetch();
  });
  on("chat.deleted", ({ chat_id }) => removeChat(chat_id));
  on("reply.finished", ({ chat_id, preview, updated_at }) => {
    const isHere = moveToTop(chat_id, updated_at);
    setPreview(chat_id, preview, updated_at);
    if (!isHere) scheduleFetch();
  });
  on("resync", scheduleFetch);
}

/** The chat's title as the page shows it. */
export function titleOf(/** @type {string} */ chatId) {
  return titles(chatId)[0]?.textContent ?? "";
}

/**
 * Show that title wherever the chat stands: in the lists, on its own page, and in the tab.
 *
 * @param {string} chatId
 * @param {string} title
 */
export function setTitle(chatId, title) {
  const before = titleOf(chatId);
  if (pageOf(chatId)) document.title = document.title.replace(before, () => title);
  for (const place of titles(chatId)) place.textContent = title;
}

/**
 * Show the start of the chat's last message, unless a later one is shown.
 *
 * @param {string} chatId
 * @param {string} preview
 * @param {string} updatedAt
 */
function setPreview(chatId, preview, updatedAt) {
  for (const entry of entries(chatId)) {
    if (Date.parse(updatedAt) < Date.parse(entry.dataset.updated ?? "")) continue;
    const last = entry.querySelector("[data-last]");
    if (last) last.textContent = preview;
    const time = entry.querySelector("time");
    if (time) time.dateTime = updatedAt;
    showTimes(entry);
  }
}

/** Take the chat out of the lists; the server says what fills the gap. */
export function removeChat(/** @type {string} */ chatId) {
  const found = entries(chatId);
  for (const entry of found) entry.remove();
  if (found.length) scheduleFetch();
}

/**
 * Put the chat on top of each list, if that is its latest activity; else it stays where it is.
 *
 * @param {string} chatId
 * @param {string} updatedAt
 * @returns {boolean} False when the server has to draw it, because it is not here yet.
 */
function moveToTop(chatId, updatedAt) {
  const found = entries(chatId);
  for (const entry of found) {
    const list = entry.parentElement;
    if (!list || Date.parse(updatedAt) <= Date.parse(entry.dataset.updated ?? "")) continue;
    entry.dataset.updated = updatedAt;
    const first = list.querySelector("[data-updated]");
    if (first === entry) continue;
    if (list.matches(IN_USE)) return false;
    list.insertBefore(entry, first);
  }
  return found.some((entry) => "recentChat" in entry.dataset);
}

/**
 * The chat's own page, when that is open here.
 *
 * @param {string} chatId
 * @returns {HTMLElement | null}
 */
export function pageOf(chatId) {
  return document.querySelector(`[data-chat="${CSS.escape(chatId)}"]`);
}

/**
 * The chat's entries in the lists.
 *
 * @param {string} chatId
 * @returns {HTMLElement[]}
 */
function entries(chatId) {
  const id = CSS.escape(chatId);
  const found = document.querySelectorAll(`[data-recent-chat="${id}"], [data-chat-row="${id}"]`);
  return [...found].filter((entry) => entry instanceof HTMLElement);
}

/** @param {string} chatId */
function titles(chatId) {
  return document.querySelectorAll(`[data-chat-title="${CSS.escape(chatId)}"]`);
}

function scheduleFetch() {
  timer ??= setTimeout(fetchLists, MOMENT_MS);
}

async function fetchLists() {
  timer = undefined;
  if (document.hidden) {
    document.addEventListener("visibilitychange", scheduleFetch, { once: true });
    return;
  }
  try {
    const response = await send(url);
    if (!response.ok || response.redirected) return; // signed out: the balance says so
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const lists = ["[data-recent-chats]", "[data-chats]"];
    const inUse = lists.filter((list) => !replaceList(list, page));
    if (inUse.length) timer ??= setTimeout(fetchLists, IN_USE_MS);
  } catch (error) {
    console.warn("chats: could not be fetched", error); // the next event asks again
  }
}

/**
 * Put the list of the server's page in place of ours.
 *
 * @param {string} selector Of the list.
 * @param {Document} page
 * @returns {boolean} False while somebody is using ours: it must not move then.
 */
function replaceList(selector, page) {
  const list = document.querySelector(selector);
  const fresh = page.querySelector(selector);
  if (!list || !fresh) return true;
  if (list.matches(IN_USE)) return false;
  const here = fresh.querySelector(`[data-recent-chat][href="${CSS.escape(location.pathname)}"]`);
  for (const link of fresh.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  here?.setAttribute("aria-current", "page");
  list.replaceChildren(...fresh.childNodes);
  showTimes(list);
  return true;
}
