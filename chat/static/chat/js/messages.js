/** The messages on the page, made from the server's own templates. */

import { t } from "strings";
import { decorateCode } from "chat/copy";

/**
 * @typedef {object} Message As the API sends it.
 * @property {string} id
 * @property {"user" | "assistant"} role
 * @property {string} content
 * @property {string} [content_html]
 * @property {"complete" | "streaming" | "stopped" | "failed" | "interrupted"} status
 * @property {"length" | "content_filter" | null} [cut_by]
 * @property {string | null} parent_id
 * @property {{tokens: number} | null} [receipt]
 * @property {string | null} [generation_id]
 */

const QUIET_MS = 500;

export class Messages {
  #root;
  #list;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#list = part(root, "[data-messages]");
    decorateCode(this.#list);
  }

  /** The id of the oldest message shown. */
  get oldestId() {
    const oldest = this.#list.querySelector("[data-message]");
    return oldest instanceof HTMLElement ? (oldest.dataset.message ?? "") : "";
  }

  /**
   * @param {string} id
   * @returns {HTMLElement | null}
   */
  find(id) {
    return id ? this.#list.querySelector(`[data-message="${CSS.escape(id)}"]`) : null;
  }

  /** @param {string} content */
  addUser(content) {
    const item = fromTemplate("user");
    item.setAttribute("aria-live", "off"); // the person knows what they have just written
    part(item, "[data-content]").textContent = content;
    this.#list.append(item);
    return item;
  }

  /** An empty reply that is being written. */
  addReply() {
    const item = fromTemplate("assistant");
    item.dataset.status = "streaming";
    item.setAttribute("aria-live", "off"); // read out when it is complete, not word by word
    part(item, "[data-thinking]").hidden = false;
    part(item, "[data-foot]").hidden = true;
    this.#list.append(item);
    return item;
  }

  /**
   * Put older messages before those shown, without those that are shown already.
   *
   * @param {Message[]} messages
   */
  prepend(messages) {
    this.#list.setAttribute("aria-live", "off"); // nobody wants old messages read out
    const items = messages
      .filter((message) => !this.find(message.id))
      .map((message) => {
        const item = fromTemplate(message.role);
        renderMessage(item, message);
        return item;
      });
    this.#list.prepend(...items);
    setTimeout(() => this.#list.setAttribute("aria-live", "polite"), QUIET_MS);
  }

  /**
   * Bring the end of the conversation up to date with what the server has. A reply that is still
   * growing is left to its stream.
   *
   * @param {Message[]} newest The newest messages, oldest first.
   * @returns {boolean} Whether the page was so far behind that older ones are missing now.
   */
  merge(newest) {
    const known = newest.findIndex((message) => this.find(message.id));
    const behind = known < 0 && this.oldestId !== "";
    if (behind) this.#list.replaceChildren();
    for (const message of newest.slice(Math.max(0, known))) {
      const item = this.find(message.id) ?? this.#withoutId(message);
      if (message.status === "streaming") continue;
      if (item?.dataset.message && item.dataset.status === message.status) continue;
      const place = item ?? fromTemplate(message.role);
      renderMessage(place, message);
      if (!item) this.#list.append(place);
    }
    return behind;
  }

  /**
   * The element of a question that was asked on this page, which has not heard its id.
   *
   * @param {Message} message
   */
  #withoutId({ role, content }) {
    /** @type {NodeListOf<HTMLElement>} */
    const items = this.#list.querySelectorAll(`[data-message=""][data-role="${role}"]`);
    return [...items].find((item) => part(item, "[data-content]").textContent === content);
  }

  /** Show at the end why there is no reply, with a button to try again; one such line at a time. */
  showRetry(/** @type {string} */ text) {
    this.hideRetry();
    const line = fromTemplate("retry");
    part(line, "[data-text]").textContent = text;
    this.#list.after(line);
  }

  get hasRetry() {
    return this.#root.querySelector("[data-retry-line]") !== null;
  }

  /** @returns {string} The text of the line. */
  hideRetry() {
    const line = this.#root.querySelector("[data-retry-line]");
    line?.remove();
    return line?.querySelector("[data-text]")?.textContent ?? "";
  }
}

/**
 * Show in a message's element what the server says about it.
 *
 * @param {HTMLElement} item
 * @param {Message} message
 */
export function renderMessage(item, message) {
  item.dataset.message = message.id;
  item.dataset.status = message.status;
  item.removeAttribute("aria-live");
  const content = part(item, "[data-content]");
  if (message.content_html) content.innerHTML = message.content_html; // made safe by the server
  else content.textContent = message.content;
  if (message.role === "user") return;
  decorateCode(content);
  part(item, "[data-thinking]").hidden = true;
  part(item, "[data-connection]").hidden = true;
  part(item, "[data-foot]").hidden = !message.parent_id;
  const ended = message.cut_by ?? message.status;
  const whole = ["complete", "streaming"].includes(ended);
  part(item, "[data-status-text]").textContent = whole ? "" : t(`status.${ended}`);
  const tokens = message.receipt?.tokens;
  part(item, "[data-receipt]").textContent = tokens ? `✦ ${t("tokens", { n: tokens })}` : "";
}

/** @param {string} name */
function fromTemplate(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`no template ${name}`);
  const item = template.content.firstElementChild?.cloneNode(true);
  if (!(item instanceof HTMLElement)) throw new Error(`template ${name} is empty`);
  return item;
}

/**
 * The element there. An error names the selector where the page has none.
 *
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function part(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no ${selector}`);
  return found;
}
