/** Shows a note while the browser is offline. */

/** @param {Document} root */
export function connect(root) {
  /** @type {HTMLElement | null} */
  const note = root.querySelector("[data-offline]");
  if (!note) return;
  const show = () => {
    note.hidden = navigator.onLine;
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}
