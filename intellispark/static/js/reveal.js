/** Forms that open in the page: what opens comes into view, and its first field has the focus. */

/** @param {Document} root */
export function connect(root) {
  /** @type {NodeListOf<HTMLDetailsElement>} */
  const all = root.querySelectorAll("details[data-reveal]");
  for (const details of all) {
    details.addEventListener("toggle", () => {
      if (!details.open) return;
      /** @type {HTMLElement | null} */
      const first = details.querySelector("input:not([type=hidden]), select, textarea");
      first?.focus({ preventScroll: true });
      details.scrollIntoView({ block: "nearest" });
    });
  }
}

connect(document);
