/**
 * One reply, from the request to its last event, through lost answers and broken connections.
 *
 * The request carries an Idempotency-Key, so it is repeated when no answer comes. Once the reply
 * has an id, a broken stream is continued where it ended, by `Last-Event-ID`.
 */

import { ApiError, api, request } from "api";
import { eventsOf } from "chat/sse";

/**
 * @typedef {object} Handlers
 * @property {(data: any) => void} start
 * @property {(text: string, replaces: boolean) => void} delta
 * @property {(kind: "done" | "stopped" | "error", data: any) => void} end
 * @property {(lost: boolean) => void} connection It is lost, and tried again; or it is back.
 */

const TRIES_TO_ASK = 5; // about 10 s: then the message goes back into the box
const TRIES_TO_RESUME = 8; // about 30 s: a server takes that long to come back
const TOO_MANY = "too_many_streams";
const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 8000;

export class ReplyStream {
  #handlers;
  #lastId = "";
  /** Empty until the server has accepted the request. */
  generationId = "";
  #ended = false;
  #stopWanted = false;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /**
   * Ask for a reply and follow it to its end.
   *
   * @param {string} chatId
   * @param {{content?: string}} body
   * @param {string} key
   * @throws {ApiError} The server refused; or, with status 0, it may have: no answer came.
   */
  async generate(chatId, body, key) {
    await this.#follow(() =>
      this.generationId
        ? this.#resume()
        : request("POST", `/api/chats/${chatId}/generate`, {
            body,
            key,
            headers: { Accept: "text/event-stream" },
          }),
    );
  }

  /**
   * Follow a reply that is being written already.
   *
   * @param {string} generationId
   * @throws {ApiError}
   */
  async attach(generationId) {
    this.generationId = generationId;
    await this.#follow(() => this.#resume());
  }

  /** Ask the server to end the reply. The stream carries the end when it has come. */
  async stop() {
    this.#stopWanted = true;
    if (this.generationId) await api("POST", `/api/generations/${this.generationId}/stop`);
  }

  #resume() {
    return request("GET", `/api/generations/${this.generationId}/events`, {
      headers: {
        Accept: "text/event-stream",
        ...(this.#lastId ? { "Last-Event-ID": this.#lastId } : {}),
      },
    });
  }

  /** @param {() => Promise<Response>} open */
  async #follow(open) {
    for (let failures = 0; !this.#ended; ) {
      const before = this.#lastId;
      try {
        await this.#read(await open());
      } catch (error) {
        // Network trouble and a restart of the server pass; any other refusal is an answer.
        const isTemporary =
          !(error instanceof ApiError) ||
          error.status === 0 ||
          (this.generationId && [502, 503, 504].includes(error.status));
        if (!isTemporary) throw error;
      }
      if (this.#ended) return;
      failures = this.#lastId === before ? failures + 1 : 1;
      if (failures >= (this.generationId ? TRIES_TO_RESUME : TRIES_TO_ASK)) throw new ApiError(0);
      this.#handlers.connection(true);
      await pause(failures);
    }
  }

  /** @param {Response} response */
  async #read(response) {
    this.#handlers.connection(false);
    for await (const { event, data, id } of eventsOf(response)) {
      if (id) this.#lastId = id;
      this.#event(event, JSON.parse(data));
      if (this.#ended) return;
    }
  }

  /**
   * @param {string} event
   * @param {any} data
   */
  #event(event, data) {
    switch (event) {
      case "start":
        this.generationId = data.generation_id;
        this.#handlers.start(data);
        if (this.#stopWanted) this.stop().catch(console.warn);
        break;
      case "delta":
        this.#handlers.delta(data.text, Boolean(data.replace));
        break;
      case "error":
        if (data.error?.code === TOO_MANY) throw new ApiError(429, data.error); // the reply goes on
      // falls through
      case "done":
      case "stopped":
        this.#ended = true;
        this.#handlers.end(event, data);
    }
  }
}

/**
 * Wait before the next try: longer each time, with jitter, and no longer than the network is away.
 *
 * @param {number} failures
 * @returns {Promise<void>}
 */
function pause(failures) {
  const ms = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures) * (0.5 + Math.random() / 2);
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    addEventListener("online", done, { once: true });
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
  });
}
