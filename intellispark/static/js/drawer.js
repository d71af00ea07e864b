/** The sidebar as a drawer on phones. It keeps the focus while open; Esc and the scrim close it. */

import { isForAnother } from "keys";

const PHONE = matchMedia("(max-width: 860px)");

/** @param {Document} root */
export function connect(root) {
  /** @type {HTMLElement | null} */
  const drawer = root.querySelector("[data-drawer]");
  /** @type {NodeListOf<HTMLElement>} */
  const behind = root.querySelectorAll("[data-behind-drawer]");
  if (!drawer) return;

  /** @type {HTMLElement | null} */
  let opener = null;

  /** @param {HTMLElement} from */
  function open(from) {
    if (!drawer) return;
    opener = from;
    drawer.dataset.open = "";
    for (const part of behind) part.inert = true; // so the focus stays in the drawer
    from.setAttribute("aria-expanded", "true");
    /** @type {HTMLElement | null} */
    const first = drawer.querySelector("[data-drawer-close]");
    first?.focus();
  }

  function close() {
    if (!drawer || !("open" in drawer.dataset)) return;
    delete drawer.dataset.open;
    for (const part of behind) part.inert = false;
    opener?.setAttribute("aria-expanded", "false");
    opener?.focus();
  }

  // A link to the drawer where scripts do not run; here it is the button that it looks like.
  /** @type {NodeListOf<HTMLElement>} */
  const links = root.querySelectorAll("[data-drawer-open]");
  for (const link of links) {
    link.setAttribute("role", "button");
    link.setAttribute("aria-controls", drawer.id);
    link.setAttribute("aria-expanded", "false");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      open(link);
    });
  }
  for (const closer of root.querySelectorAll("[data-drawer-close]")) {
    closer.addEventListener("click", (event) => {
      event.preventDefault();
      close();
    });
  }
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !isForAnother(event)) close();
  });
  PHONE.addEventListener("change", close);
  addEventListener("pagehide", close); // the back button must not bring the page with it open
}
