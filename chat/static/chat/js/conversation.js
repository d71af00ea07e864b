/**
 * Sending and receiving: connects a reply's stream with the messages, the composer, the balance.
 *
 * Nothing that was typed is lost: a message that was refused goes back into the box; one that was
 * accepted stays, with a button to try again.
 */

import { ApiError, api } from "api";
import { store } from "payments/balance-store";
import { t } from "strings";
import { uuid } from "uuid";
import { StreamRenderer, loadRenderer } from "chat/markdown";
import { part, renderMessage } from "chat/messages";
import { ReplyStream } from "chat/stream";

/** @typedef {import("chat/messages").Messages} Messages */
/** @typedef {import("chat/composer").Composer} Composer */
/** @typedef {import("chat/scroll").Follower} Follower */

const NEWEST = 30;

export class Conversation {
  #root;
  #messages;
  #follower;
  /** @type {Composer | undefined} */
  #composer;
  /** @type {ReplyStream | undefined} */
  #stream;
  /** @type {{generationId: string, messageId: string} | null} */
  #lostStream = null;
  /** Replies that this page has followed itself, by their generations' ids. */
  #followed = new Set();
  #catchingUp = false;

  /**
   * @param {HTMLElement} root
   * @param {Messages} messages
   * @param {Follower} follower
   */
  constructor(root, messages, follower) {
    this.#root = root;
    this.#messages = messages;
    this.#follower = follower;
  }

  /** @param {Composer} composer */
  setComposer(composer) {
    this.#composer = composer;
  }

  /**
   * Send a message and follow its reply.
   *
   * @param {string} content
   * @param {string} key The Idempotency-Key: that of an earlier try whose answer never came, or a
   *   new one.
   */
  async send(content, key) {
    this.#root.querySelector("[data-suggestions]")?.remove();
    this.#messages.hideRetry();
    const asked = this.#messages.addUser(content);
    await this.#ask({ content }, key, (uncertain) => {
      asked.remove();
      this.#composer?.giveBack(content, uncertain ? key : undefined);
    });
  }

  /** Follow the stream that was lost; without one, ask for the reply to the last message again. */
  async retry() {
    if (this.#stream) return;
    this.#composer?.focus();
    const lost = this.#lostStream;
    if (lost) return this.attach(lost.generationId, lost.messageId);
    const why = this.#messages.hideRetry();
    await this.#ask({}, uuid(), () => this.#messages.showRetry(why));
  }

  /**
   * Follow a reply that was being written when the page was loaded.
   *
   * @param {string} generationId
   * @param {string} messageId
   */
  async attach(generationId, messageId) {
    this.#messages.hideRetry();
    const item = this.#messages.find(messageId) ?? this.#messages.addReply();
    item.dataset.message = messageId;
    item.dataset.status = "streaming";
    const stream = this.#openStream(item);
    try {
      await stream.attach(generationId);
    } catch (error) {
      this.#showLost(item, error, generationId);
    } finally {
      this.#closeStream();
    }
  }

  /**
   * Show what has happened in this chat in another tab or on another device, and follow a reply
   * that is being written there.
   *
   * @param {string} [generationId] Of the reply that the event was about.
   */
  async catchUp(generationId) {
    if (this.#stream || this.#catchingUp || this.#followed.has(generationId)) return;
    this.#catchingUp = true;
    try {
      const path = `/api/chats/${this.#root.dataset.chat}/messages?limit=${NEWEST}`;
      const { results, has_more } = await api("GET", path);
      if (!this.#stream) this.#show(results, has_more);
    } catch (error) {
      console.warn("chat: could not catch up", error); // the next event tries again
    } finally {
      this.#catchingUp = false;
    }
  }

  /**
   * @param {import("chat/messages").Message[]} newest
   * @param {boolean} hasMore
   */
  #show(newest, hasMore) {
    if (this.#messages.merge(newest)) part(this.#root, "[data-older]").hidden = !hasMore;
    const last = newest[newest.length - 1];
    if (!last) return;
    this.#root.querySelector("[data-suggestions]")?.toggleAttribute("hidden", newest.length > 1);
    this.#lostStream = null;
    if (last.status === "streaming" && last.generation_id) this.attach(last.generation_id, last.id);
    else if (last.role === "assistant") this.#messages.hideRetry();
    else if (!this.#messages.hasRetry) this.#messages.showRetry(t("reply.none"));
  }

  stop() {
    this.#stream?.stop().catch((error) => this.#composer?.refuse(reasonOf(error)));
  }

  /**
   * @param {{content?: string}} body
   * @param {string} key
   * @param {(uncertain: boolean) => void} refused Takes the question back; `uncertain` when the
   *   server may have accepted it, but no answer came.
   */
  async #ask(body, key, refused) {
    const item = this.#messages.addReply();
    store.begin(key, Number(this.#root.dataset.price));
    const stream = this.#openStream(item, key);
    this.#follower.toEnd();
    try {
      await stream.generate(this.#root.dataset.chat ?? "", body, key);
    } catch (error) {
      store.settle(key);
      store.refetch();
      if (stream.generationId) {
        this.#showLost(item, error, stream.generationId);
      } else {
        const status = error instanceof ApiError ? error.status : undefined;
        item.remove();
        refused(status === 0);
        this.#composer?.refuse(reasonOf(error), { forTokens: status === 402 });
      }
    } finally {
      this.#closeStream();
    }
  }

  /**
   * @param {HTMLElement} item
   * @param {string} [key]
   */
  #openStream(item, key) {
    const content = part(item, "[data-content]");
    const renderer = new StreamRenderer(content);
    loadRenderer();
    const stream = new ReplyStream({
      start: (data) => {
        this.#followed.add(data.generation_id);
        if (key) this.#composer?.accepted(key);
        item.dataset.message = data.message_id ?? "";
        if (data.balance) store.apply(data.balance, key);
      },
      delta: (text, replaces) => {
        part(item, "[data-thinking]").hidden = text !== "";
        if (replaces) renderer.replace(text);
        else renderer.append(text);
      },
      end: (kind, data) => {
        renderer.end();
        if (data.balance) store.apply(data.balance, key);
        this.#showEnd(item, kind, data);
      },
      connection: (lost) => {
        part(item, "[data-connection]").hidden = !lost;
      },
    });
    this.#stream = stream;
    this.#lostStream = null;
    if (this.#composer) this.#composer.running = true;
    return stream;
  }

  #closeStream() {
    this.#stream = undefined;
    if (this.#composer) this.#composer.running = false;
  }

  /**
   * @param {HTMLElement} item
   * @param {"done" | "stopped" | "error"} kind
   * @param {any} data
   */
  #showEnd(item, kind, data) {
    if (data.message) renderMessage(item, data.message);
    else item.remove();
    if (kind === "stopped" && !data.message) this.#messages.showRetry(t("reply.stopped_early"));
    if (kind === "error") this.#messages.showRetry(data.error?.detail || t("reply.failed"));
  }

  /**
   * The connection did not come back: the text so far stays, with a button to follow it again.
   *
   * @param {HTMLElement} item
   * @param {unknown} error
   * @param {string} generationId
   */
  #showLost(item, error, generationId) {
    console.warn("chat: the reply's stream was lost", error);
    item.dataset.status = "interrupted";
    this.#lostStream = { generationId, messageId: item.dataset.message ?? "" };
    part(item, "[data-connection]").hidden = true;
    if (!part(item, "[data-content]").textContent) item.remove();
    const tooMany = error instanceof ApiError && error.status === 429;
    this.#messages.showRetry(tooMany ? error.detail : t("reply.lost"));
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (!(error instanceof ApiError)) return t("error.unknown");
  if (error.status === 0) return t("composer.offline");
  if (error.status === 402) return t("composer.refused_tokens");
  if (error.status === 404) return t("composer.gone");
  if (error.code === "generation_in_progress") return t("composer.in_progress");
  if (error.retryAfter) return `${error.detail} ${t("retry_in", { n: error.retryAfter })}`;
  return error.detail || t("error.unknown");
}
