/**
 * Requests to our server, and whether they get through.
 *
 * Each is announced as the event `network.reached` or `network.failed`. `navigator.onLine` decides
 * nothing: it is false on a machine without a network that serves the site itself, and true on a
 * Wi-Fi that leads nowhere.
 */

import { emit } from "live-events";

/**
 * `fetch`, announced.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 * @throws {unknown} As `fetch` does: no answer came, or the signal ended the request.
 */
export async function send(url, init = {}) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    const wanted = init.signal?.aborted && init.signal.reason?.name !== "TimeoutError";
    if (!wanted) emit({ type: "network.failed" });
    throw error;
  }
  emit({ type: "network.reached" });
  return response;
}
