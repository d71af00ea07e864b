/** What was typed and not sent, kept in this browser for each person and chat. */

import { load, save } from "user-storage";

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {string} [key] The Idempotency-Key that it was sent with, when no answer came: sent
 *   again unchanged, it is the same request.
 */

export class Drafts {
  #userId;
  #name;

  /**
   * @param {string} userId
   * @param {string} chatId
   */
  constructor(userId, chatId) {
    this.#userId = userId;
    this.#name = `draft:${chatId}`;
  }

  /** @returns {Draft} */
  load() {
    return load(this.#userId, this.#name) ?? { text: "" };
  }

  /** @param {Draft} draft */
  save(draft) {
    save(this.#userId, this.#name, draft.text ? draft : null);
  }
}
