/**
 * Events between modules that do not know each other. Their types stand in `docs/realtime.md`.
 *
 * Most are frames of the balance socket that carry no balance. `resync`, the server's or the page's
 * own, says that frames may have been missed: whoever shows what they carry looks again.
 * `api.answered`, `network.reached` and `network.failed` are the page's own.
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

/** @param {{type: string, [field: string]: unknown}} event */
export function emit(event) {
  for (const listener of listeners.get(event.type) ?? []) listener(event);
}
