/** The balance socket: keeps a connection to `/ws/balance/` and hands its frames on. */

/** @import { Receiver } from "payments/balance-types" */

const TERMINAL = [4401, 4403, 4429]; // signed out, refused, too many
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 20_000;
const FIRST_FRAME_MS = 10_000;
// Frames or beacons are due every `beacon_secs`; after so many of them the line is dead.
const BEACONS_MISSED = 2.5;
const TRIES_BEFORE_POLLING = 2;

export class BalanceSocket {
  #receiver;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  #tries = 0;
  #retryMs = 0;
  #beaconMs = 25_000;
  #deadAt = 0;
  #ended = false;

  /** @param {Receiver} receiver */
  constructor(receiver) {
    this.#receiver = receiver;
  }

  open() {
    if (this.#ended) return this.#receiver.unreachable();
    if (this.#socket) return;
    clearTimeout(this.#retry);
    const origin = location.origin.replace("http", "ws"); // and https becomes wss
    const socket = new WebSocket(`${origin}/ws/balance/`);
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#received(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#closed(event.code);
    };
    this.#socket = socket;
    this.#listen(FIRST_FRAME_MS);
  }

  /** Back from an absence: connect now, also in place of a line that must have died meanwhile. */
  hurry() {
    if (Date.now() > this.#deadAt) this.close();
    this.open();
  }

  close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** @param {any} frame */
  #received(frame) {
    this.#tries = 0;
    if (frame.beacon_secs) this.#beaconMs = frame.beacon_secs * 1000;
    this.#listen(this.#beaconMs * BEACONS_MISSED);
    switch (frame.type) {
      case "balance.snapshot":
        return this.#receiver.snapshot(frame);
      case "balance.changed":
        return this.#receiver.apply(frame);
      case "balance.beacon":
        return this.#receiver.beacon(frame);
      case "bye":
        this.#retryMs = frame.retry_ms;
        return this.#closed(1006);
      default:
        this.#receiver.event(frame);
    }
  }

  /** A line that died without a close is found by its silence. */
  #listen(/** @type {number} */ ms) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(1006), ms);
    this.#deadAt = Date.now() + ms;
  }

  /** @param {number} code */
  #closed(code) {
    this.close();
    this.#ended = TERMINAL.includes(code);
    if (this.#ended) return this.#receiver.ended(code);
    this.#retry = setTimeout(() => this.open(), this.#retryMs || this.#backoff());
    this.#retryMs = 0;
    if (this.#tries >= TRIES_BEFORE_POLLING) this.#receiver.unreachable();
  }

  /** Full jitter, so that the clients of a restarted server do not come back as one wave. */
  #backoff() {
    const most = Math.min(RETRY_MAX_MS, 2 * RETRY_MIN_MS * 2 ** this.#tries++);
    return RETRY_MIN_MS + Math.random() * (most - RETRY_MIN_MS);
  }
}
