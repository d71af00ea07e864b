/** The balance socket: keeps a connection to `/ws/balance/` and hands its frames on. */

/** @import { Receiver } from "payments/balance-types" */

const TERMINAL = [4401, 4403, 4429]; // signed out, refused, too many
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 20_000;
const FIRST_FRAME_MS = 10_000;
// A frame or a beacon is due every `beacon_secs`; after so many of them the line is dead.
const BEACONS_MISSED = 2.5;
const TRIES_BEFORE_POLLING = 2;

export class BalanceSocket {
  #receiver;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silenceTimer;
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
    clearTimeout(this.#retryTimer);
    const origin = location.origin.replace("http", "ws"); // and https becomes wss
    const socket = new WebSocket(`${origin}/ws/balance/`);
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#onFrame(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#onClose(event.code);
    };
    this.#socket = socket;
    this.#expectFrame(FIRST_FRAME_MS);
  }

  /** Connect now, after an absence. A line that must have died meanwhile is replaced. */
  reconnect() {
    if (Date.now() > this.#deadAt) this.close();
    this.open();
  }

  close() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** @param {any} frame */
  #onFrame(frame) {
    this.#tries = 0;
    if (frame.beacon_secs) this.#beaconMs = frame.beacon_secs * 1000;
    this.#expectFrame(this.#beaconMs * BEACONS_MISSED);
    switch (frame.type) {
      case "balance.snapshot":
        return this.#receiver.snapshot(frame);
      case "balance.changed":
        return this.#receiver.apply(frame);
      case "balance.beacon":
        return this.#receiver.beacon(frame);
      case "bye":
        this.#retryMs = frame.retry_ms;
        return this.#onClose(1006);
      default:
        this.#receiver.event(frame);
    }
  }

  /** A line can die without a close, when a phone leaves its Wi-Fi: then no frame comes in time. */
  #expectFrame(/** @type {number} */ ms) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#onClose(1006), ms);
    this.#deadAt = Date.now() + ms;
  }

  /** @param {number} code */
  #onClose(code) {
    this.close();
    this.#ended = TERMINAL.includes(code);
    if (this.#ended) return this.#receiver.ended(code);
    this.#retryTimer = setTimeout(() => this.open(), this.#retryMs || this.#backoff());
    this.#retryMs = 0;
    if (this.#tries >= TRIES_BEFORE_POLLING) this.#receiver.unreachable();
  }

  /** Full jitter, so that the clients of a restarted server do not come back as one wave. */
  #backoff() {
    const most = Math.min(RETRY_MAX_MS, 2 * RETRY_MIN_MS * 2 ** this.#tries++);
    return RETRY_MIN_MS + Math.random() * (most - RETRY_MIN_MS);
  }
}
