/** Menus made of <details>. One is open at a time; Esc, a click or the focus elsewhere closes it. */

import { isForAnother } from "keys";

/** @param {Document} root */
export function connect(root) {
  root.addEventListener("click", (event) => closeAll(root, event.target));
  root.addEventListener("focusin", (event) => closeAll(root, event.target));
  root.addEventListener("keydown", (event) => {
    if (isForAnother(event)) return;
    if (event.key === "Escape") escape(root);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") moveFocus(event);
  });
}

/**
 * @param {Document} root
 * @param {EventTarget | null} except
 */
function closeAll(root, except) {
  for (const menu of open(root)) {
    if (!(except instanceof Node && menu.contains(except))) menu.open = false;
  }
}

/**
 * Close the menu that the item is in, and focus its button. A dialog that opens next gives the
 * focus back to where it was, which must not be an item that is hidden by then.
 *
 * @param {Element} item
 */
export function closeAround(item) {
  const menu = item.closest("details");
  if (!menu) return;
  menu.querySelector("summary")?.focus();
  menu.open = false;
}

/** @param {Document} root */
function escape(root) {
  for (const menu of open(root)) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
}

/**
 * @param {Document} root
 * @returns {NodeListOf<HTMLDetailsElement>}
 */
function open(root) {
  return root.querySelectorAll("details[data-menu][open]");
}

/**
 * Move the focus to the next or the previous item of the menu that has it.
 *
 * @param {KeyboardEvent} event
 */
function moveFocus(event) {
  const from = event.target instanceof HTMLElement ? event.target : null;
  /** @type {HTMLDetailsElement | null | undefined} */
  const menu = from?.closest("details[data-menu]");
  if (!from || !menu) return;
  event.preventDefault();
  menu.open = true;
  /** @type {NodeListOf<HTMLElement>} */
  const all = menu.querySelectorAll(".menu__item");
  const items = [...all].filter((item) => item.offsetParent);
  const at = items.indexOf(from);
  const next = event.key === "ArrowDown" ? at + 1 : at < 0 ? items.length - 1 : at - 1;
  items[(next + items.length) % items.length]?.focus();
}
