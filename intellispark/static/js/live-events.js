/**
 * What happened elsewhere: the frames of the balance socket that are not about the balance.
 *
 * The types stand in `docs/realtime.md`. `resync` is the server's or the page's own: frames may have been missed,
 * so whoever shows what they tell of should look again.
 */

/** @type {Map<string, Set<(event: any) => void>>} */
const listeners = new Map();

/**
 * Call `listener` with every event of that type.
 *
 * @param {string} type
 * @param {(event: any) => void} listener
 */
export function on(type, listener) {
  const found = listeners.get(type) ?? new Set();
  listeners.set(type, found.add(listener));
}

/** @param {{type: string}} event */
export function emit(event) {
  for (const listener of listeners.get(event.type) ?? []) listener(event);
}
