/** The composer: the box, its keys, its limit, its draft, and its notices about tokens. */

import { isForAnother, isSend } from "keys";
import { store } from "payments/balance-store";
import { t } from "strings";
import { uuid } from "uuid";
import { part } from "chat/messages";

/** @import { Draft, Drafts } from "chat/drafts" */

const COUNT_FROM = 0.9; // of the limit: below that, nobody needs the number
const CLOSED_BY_ESC = "dialog[open], details[data-menu][open], [data-drawer][data-open]";
const MAX_HEIGHT_SHARE = 0.4;

export class Composer {
  #form;
  #box;
  #send;
  #stop;
  #notice;
  #drafts;
  #price;
  #maxChars;
  #running = false;
  /** @type {{text: string, forTokens: boolean, version: number} | null} */
  #refusal = null;
  /** @type {string | undefined} */
  #key;
  /** @type {Required<Draft> | null} What was sent and is not accepted yet: kept as the draft. */
  #sent = null;

  /**
   * @param {HTMLElement} root The chat.
   * @param {Drafts} drafts
   * @param {{send: (text: string, key: string) => void, stop: () => void}} actions
   */
  constructor(root, drafts, { send, stop }) {
    this.#form = part(root, "[data-composer]");
    this.#box = /** @type {HTMLTextAreaElement} */ (part(this.#form, "textarea"));
    this.#send = part(this.#form, "[data-send]");
    this.#stop = part(this.#form, "[data-stop]");
    this.#notice = part(this.#form, "[data-composer-notice]");
    this.#drafts = drafts;
    this.#price = Number(root.dataset.price);
    this.#maxChars = Number(root.dataset.maxChars);

    this.#box.addEventListener("input", () => this.#onInput());
    this.#box.addEventListener("keydown", (event) => this.#onKey(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(send);
    });
    this.#stop.addEventListener("click", stop);
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Escape" && this.#running && !closesSomething(event)) stop();
      },
      { capture: true }, // before an open menu closes itself, while it can still be seen
    );
    this.#send.removeAttribute("disabled"); // without scripts the form would lead nowhere
    this.#restore();
    this.#takeRefusal();
    store.subscribe(() => this.#update());
  }

  /** While a reply is being written, the button stops it. Typing goes on. */
  set running(/** @type {boolean} */ running) {
    const focused = this.#form.contains(document.activeElement);
    this.#running = running;
    if (running) this.#refusal = null;
    this.#send.hidden = running;
    this.#stop.hidden = !running;
    if (focused && document.activeElement !== this.#box) this.#box.focus();
    this.#update();
  }

  /**
   * Put back a message that was not accepted, before what was typed in the meantime.
   *
   * @param {string} text
   * @param {string} [key] Set when the server may have accepted it: unchanged, it is sent with the
   *   same key again.
   */
  giveBack(text, key) {
    const draft = before(this.#box.value, { text, key });
    this.#sent = null;
    this.#box.value = draft.text;
    this.#key = draft.key;
    this.#drafts.save(draft);
    this.#fitHeight();
    this.#box.focus();
    this.#box.setSelectionRange(this.#box.value.length, this.#box.value.length);
  }

  /** The server has the message of that key: it is no draft any more. */
  accepted(/** @type {string} */ key) {
    if (this.#sent?.key !== key) return;
    this.#sent = null;
    this.#saveDraft();
  }

  /**
   * Show why nothing was sent: until the text changes or, where tokens were lacking, enough come.
   *
   * @param {string} text
   * @param {{forTokens?: boolean}} [options]
   */
  refuse(text, { forTokens = false } = {}) {
    this.#refusal = { text, forTokens, version: store.state.version };
    this.#update();
  }

  /** Offer a text to send, without sending it. */
  suggest(/** @type {string} */ text) {
    this.#box.value = text;
    this.#onInput();
    this.#box.focus();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  get #length() {
    return [...this.#box.value.trim()].length; // code points, as the server counts
  }

  get #lacksTokens() {
    const { shown } = store.state;
    return shown !== null && shown < this.#price && !this.#running;
  }

  #restore() {
    const draft = this.#drafts.load();
    if (!this.#box.value) {
      this.#box.value = draft.text;
      this.#key = draft.key;
    } else {
      this.#drafts.save({ text: this.#box.value });
    }
    this.#fitHeight();
  }

  /** The page may have come with a message that was refused before there was a composer. */
  #takeRefusal() {
    const text = part(this.#notice, "[data-text]").textContent;
    const forTokens = !part(this.#notice, "[data-get-tokens]").hidden;
    if (text) this.refuse(text, { forTokens });
  }

  #onInput() {
    this.#key = undefined; // another text is another request
    this.#refusal = null;
    this.#saveDraft();
    this.#fitHeight();
    this.#update();
  }

  #saveDraft() {
    this.#drafts.save(this.#sent ? before(this.#box.value, this.#sent) : { text: this.#box.value });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!isSend(event)) return;
    event.preventDefault();
    if (!this.#running && this.#form instanceof HTMLFormElement) this.#form.requestSubmit();
  }

  /** @param {(text: string, key: string) => void} send */
  #submit(send) {
    const text = this.#box.value.trim();
    if (!text || this.#running || this.#lacksTokens || this.#length > this.#maxChars) {
      this.#box.focus();
      return;
    }
    const key = this.#key ?? uuid();
    this.#sent = { text, key };
    this.#box.value = "";
    this.#onInput();
    send(text, key);
  }

  /** Make the box as high as its text, up to a share of the screen. */
  #fitHeight() {
    this.#box.style.height = "auto";
    const most = innerHeight * MAX_HEIGHT_SHARE;
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, most)}px`;
    this.#box.style.overflowY = this.#box.scrollHeight > most ? "auto" : "hidden";
  }

  #update() {
    const { shown, debt, version } = store.state;
    const affordable = shown !== null && shown >= this.#price;
    if (this.#refusal?.forTokens && affordable && version > this.#refusal.version) {
      this.#refusal = null;
    }
    const length = this.#length;
    const tooLong = length > this.#maxChars;
    const values = { length, max: this.#maxChars };
    const count = part(this.#form, "[data-count]");
    if (tooLong) count.textContent = t("composer.too_long", values);
    else count.textContent = length > this.#maxChars * COUNT_FROM ? t("composer.count", values) : "";
    this.#box.setAttribute("aria-invalid", String(tooLong));

    const blocked = !this.#box.value.trim() || tooLong || this.#lacksTokens;
    this.#send.setAttribute("aria-disabled", String(blocked));
    if (this.#lacksTokens) {
      const lacking = shown ? t("composer.refused_tokens") : t("composer.no_tokens");
      this.#showNotice(debt ? t("composer.debt", { n: debt }) : lacking, true);
    } else {
      this.#showNotice(this.#refusal?.text ?? "", this.#refusal?.forTokens ?? false);
    }
  }

  /**
   * @param {string} text
   * @param {boolean} forTokens Whether to offer the way to get tokens.
   */
  #showNotice(text, forTokens) {
    const words = part(this.#notice, "[data-text]");
    part(this.#notice, "[data-get-tokens]").hidden = !forTokens;
    if (words.textContent !== text) words.textContent = text;
    this.#notice.hidden = !text;
  }
}

/**
 * A message that came back, before what was typed since: then it is another text, without a key.
 *
 * @param {string} typed
 * @param {Draft} sent
 * @returns {Draft}
 */
function before(typed, sent) {
  return typed ? { text: `${sent.text}\n\n${typed}` } : sent;
}

/**
 * Whether that Esc closes something that is open, and so does not stop the reply.
 *
 * @param {KeyboardEvent} event
 */
function closesSomething(event) {
  return isForAnother(event) || document.querySelector(CLOSED_BY_ESC) !== null;
}
