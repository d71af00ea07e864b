/** The first message: suggestions fill the box, Enter sends, and a double click starts one chat. */

import { isSend } from "keys";
import { uuid } from "uuid";

/** @param {Document} root */
export function connect(root) {
  /** @type {HTMLFormElement | null} */
  const form = root.querySelector("form[data-starter]");
  const box = form?.querySelector("textarea");
  if (!form || !box) return;

  /** @type {NodeListOf<HTMLElement>} */
  const chips = form.querySelectorAll("[data-suggestion]");
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      box.value = chip.dataset.suggestion ?? "";
      box.focus();
    });
  }
  box.addEventListener("keydown", (event) => {
    if (!isSend(event)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    // The server makes one chat per key anyway; this saves the second request.
    if ("sent" in form.dataset) event.preventDefault();
    form.dataset.sent = "";
  });
  // When the back button brings the page again, it starts another chat, not the last one.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    delete form.dataset.sent;
    const key = form.elements.namedItem("key");
    if (key instanceof HTMLInputElement) key.value = uuid();
  });
}

connect(document);
