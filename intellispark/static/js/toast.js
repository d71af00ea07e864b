/** Short notes in the corner. They close by themselves, but not while being read, and not errors. */

import { t } from "strings";

const SHOWN_MS = 6000;

/**
 * Let the notes that came with the page be dismissed, and close by themselves like the others.
 *
 * @param {Document} root
 */
export function connect(root) {
  for (const note of root.querySelectorAll("[data-toast]")) {
    note.querySelector("[data-toast-close]")?.addEventListener("click", () => note.remove());
    if (!note.classList.contains("toast--error")) closeLater(note);
  }
}

/**
 * Show a note.
 *
 * @param {string} text
 * @param {{kind?: "info" | "error", action?: {label: string, href: string}}} [options]
 */
export function toast(text, { kind = "info", action } = {}) {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const note = document.createElement("div");
  note.className = `toast toast--${kind}`;
  const words = document.createElement("p");
  words.className = "toast__text";
  words.textContent = text;
  note.append(words);
  if (action) {
    const link = document.createElement("a");
    link.href = action.href;
    link.textContent = action.label;
    note.append(link);
  }
  note.append(closeButton(note));
  region.append(note);
  if (kind !== "error") closeLater(note);
}

/** @param {Element} note */
function closeButton(note) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button";
  button.setAttribute("aria-label", t("action.dismiss"));
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.classList.add("icon", "icon--small");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#icon-close");
  icon.append(use);
  button.append(icon);
  button.addEventListener("click", () => note.remove());
  return button;
}

/** @param {Element} note */
function closeLater(note) {
  setTimeout(() => {
    if (note.matches(":hover, :focus-within")) closeLater(note);
    else note.remove();
  }, SHOWN_MS);
}
