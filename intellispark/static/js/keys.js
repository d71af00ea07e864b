/** What a key is for, where the same one means several things. */

const COARSE = "(pointer: coarse)";

/**
 * Whether an input method takes that key: Enter picks a candidate then, and Esc drops it. Safari
 * marks the key that ends a composition only by the code 229.
 *
 * @param {KeyboardEvent} event
 */
export function isForAnother(event) {
  return event.isComposing || event.keyCode === 229;
}

/**
 * Whether that key sends what is written in a box: Enter, or Ctrl or ⌘ with it. On a phone, whose
 * keyboard has no Shift Enter, Enter alone makes a line, and the button sends.
 *
 * @param {KeyboardEvent} event
 */
export function isSend(event) {
  if (event.key !== "Enter" || event.shiftKey || event.altKey || isForAnother(event)) return false;
  return event.ctrlKey || event.metaKey || !matchMedia(COARSE).matches;
}
