/** The balance over HTTP: one request at a time, with the ETag of the last answer. */

import { send } from "network";

/** @import { Balance } from "payments/balance-types" */

/** @typedef {Balance | "signed-out" | "suspended"} Answer */

const URL_TOKENS = "/api/payment/user/tokens";
const TIMEOUT_MS = 10_000;

export class BalanceFetcher {
  #etag = "";
  /** @type {Balance | null} The balance that the ETag stands for. */
  #balance = null;
  /** @type {Promise<Answer> | undefined} */
  #request;
  #isInvalid = false;

  /**
   * What the server says now. Whoever asks while a request is under way gets its answer.
   *
   * @returns {Promise<Answer>}
   * @throws {Error} The server could not be reached within 10 s, or answered with an error.
   */
  fetch() {
    this.#request ??= this.#ask().finally(() => (this.#request = undefined));
    return this.#request;
  }

  /**
   * Forget what the server said: it may have been about somebody else, whose version may be the
   * same. An answer that is under way is dropped and asked for again.
   */
  invalidate() {
    this.#etag = "";
    this.#isInvalid = true;
  }

  /** @returns {Promise<Answer>} */
  async #ask() {
    this.#isInvalid = false;
    const response = await send(URL_TOKENS, {
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const balance = response.ok ? await response.json() : null;
    if (this.#isInvalid) return this.#ask();
    if (response.status === 401) return "signed-out";
    if (response.status === 403) return "suspended";
    if (response.status === 304 && this.#balance) return this.#balance;
    if (!balance) throw new Error(`HTTP ${response.status}`);
    this.#etag = response.headers.get("ETag") ?? "";
    this.#balance = balance;
    return balance;
  }
}
