/** Menus made of <details>: one open at a time, closed by Esc, by a click or the focus elsewhere. */

/** @param {Document} root */
export function connect(root) {
  root.addEventListener("click", (event) => closeAll(root, event.target));
  root.addEventListener("focusin", (event) => closeAll(root, event.target));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") escape(root);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event);
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
 * Close the menu that the item is in, and give its button the focus: what opens next, such as a
 * dialog, then returns there and not to an item that is hidden by now.
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
 * The arrow keys walk through the items of the menu that has the focus.
 *
 * @param {KeyboardEvent} event
 */
function step(event) {
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
