/** Ctrl K (⌘ K) goes to the search field on the screen, or to the page that has one. */

/** @param {Document} root */
export function connect(root) {
  const mac = /mac|iphone|ipad/i.test(navigator.platform);
  for (const key of root.querySelectorAll(".search kbd")) {
    if (mac) key.textContent = "⌘ K";
  }
  root.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey) return;
    if (!(mac ? event.metaKey : event.ctrlKey)) return;
    event.preventDefault();
    /** @type {NodeListOf<HTMLInputElement>} */
    const fields = root.querySelectorAll("input[data-search]");
    const field = [...fields].find((one) => one.offsetParent);
    if (field) field.select();
    else if (fields[0]?.form) location.assign(fields[0].form.action);
  });
}
