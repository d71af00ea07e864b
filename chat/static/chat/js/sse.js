/**
 * Server-Sent Events over fetch (HTML standard, section 9.2), because EventSource can only GET.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** @typedef {{event: string, data: string, id: string}} ServerEvent */

const SILENCE_MS = 40_000;

/** Takes text in pieces of any size, and returns the events that are complete. */
export class SseParser {
  #rest = "";
  #event = "";
  /** @type {string[]} */
  #data = [];
  #id = "";

  /**
   * @param {string} text
   * @returns {ServerEvent[]}
   */
  push(text) {
    /** @type {ServerEvent[]} */
    const events = [];
    // A CR at the very end may be half of a CRLF: keep it for the next piece.
    const whole = this.#rest + text;
    const ready = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    const lines = ready.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + whole.slice(ready.length);
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") this.#event = value ?? "";
    if (field === "data") this.#data.push(value ?? "");
    if (field === "id" && !value?.includes("\0")) this.#id = value ?? "";
    return null;
  }

  #dispatch() {
    const event = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return empty ? null : event;
  }
}

/**
 * The events of that answer as they come, until the connection ends.
 *
 * A connection can die without an end, when a phone leaves its Wi-Fi. The server sends a comment
 * every 15 s, so a longer silence is an error.
 *
 * @param {Response} response
 * @param {number} [silenceMs]
 * @returns {AsyncGenerator<ServerEvent>}
 * @throws {Error} Nothing came for `silenceMs`.
 */
export async function* eventsOf(response, silenceMs = SILENCE_MS) {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await within(silenceMs, reader.read());
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {}); // a broken stream has nothing left to cancel
  }
}

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function within(ms, promise) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the stream fell silent")), ms);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (late)]);
  } finally {
    clearTimeout(timer);
  }
}
