/**
 * `<token-balance>`: the store's number, in every place that shows it.
 *
 * The server renders it complete, in a width that no number changes; this keeps it up to date.
 */

import { store } from "payments/balance-store";
import { connect } from "payments/balance-feeds";
import { grouped, t } from "strings";

/** @import { View } from "payments/balance-types" */

const LOW = 5;
const VERY_LOW = 2;
const COUNT_MS = 200;
const RESTED_MS = 1000;
const SAID_MS = 4000;

/**
 * @param {number} tokens
 * @returns {"ok" | "low" | "very-low"}
 */
export function levelOf(tokens) {
  if (tokens <= VERY_LOW) return "very-low";
  return tokens <= LOW ? "low" : "ok";
}

export class TokenBalance extends HTMLElement {
  /** @type {(() => void) | undefined} */
  #unsubscribe;
  /** @type {number | null} */
  #number = null;
  #frame = 0;

  connectedCallback() {
    const { epoch, version, balance, held, debt, availableNow, user } = this.dataset;
    if (user) store.belongsTo(user);
    if (version) {
      this.#number = Number(availableNow);
      store.apply({
        epoch: Number(epoch),
        version: Number(version),
        balance: Number(balance),
        held: Number(held),
        available: Number(availableNow),
        debt: Number(debt),
      });
    }
    this.querySelector("[data-refetch]")?.addEventListener("click", this.#refetch);
    this.#unsubscribe = store.subscribe((view) => this.#show(view));
    connect();
  }

  disconnectedCallback() {
    this.#unsubscribe?.();
    cancelAnimationFrame(this.#frame);
  }

  #refetch = (/** @type {Event} */ event) => {
    event.preventDefault(); // inside a link or a menu, the button is still only itself
    event.stopPropagation();
    store.refetch();
  };

  /** @param {View} view */
  #show(view) {
    const { shown } = view;
    this.dataset.epoch = String(view.epoch);
    this.dataset.version = String(view.version);
    this.dataset.held = String(view.held);
    this.dataset.debt = String(view.debt);
    this.dataset.level = shown === null ? "ok" : levelOf(shown);
    this.dataset.state = stateOf(view);
    const retry = this.querySelector("[data-refetch]");
    if (retry instanceof HTMLElement) retry.hidden = !view.error;
    if (shown !== null) this.#say(shown);
    const note = this.querySelector("[data-note]");
    if (note) note.textContent = noteOf(view);
    this.title = titleOf(view);
    this.#count(shown);
  }

  /** @param {number} tokens */
  #say(tokens) {
    const unit = this.querySelector("[data-unit=ok]");
    if (unit) unit.textContent = t("balance.unit", { n: tokens });
    const warning = this.querySelector("[data-unit=very-low]");
    if (warning) warning.textContent = t(tokens ? "balance.unit_very_low" : "balance.none_left");
  }

  /** The number counts up or down to its new value, briefly; it jumps where motion is unwanted. */
  #count(/** @type {number | null} */ target) {
    cancelAnimationFrame(this.#frame);
    const from = this.#number;
    this.#number = target;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (target === null || from === null || from === target || still || document.hidden) {
      this.#write(target);
      return;
    }
    this.dataset.direction = target > from ? "up" : "down";
    const start = performance.now();
    const step = (/** @type {number} */ now) => {
      const done = Math.min(1, Math.max(0, (now - start) / COUNT_MS));
      this.#write(Math.round(from + (target - from) * done));
      if (done < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** @param {number | null} tokens */
  #write(tokens) {
    const number = this.querySelector("[data-available]");
    if (!(number instanceof HTMLElement)) return;
    number.hidden = this.dataset.state === "error";
    number.textContent = tokens === null ? this.#placeholder() : grouped(tokens);
    number.dataset.value = String(this.#number ?? "");
    this.dataset.availableNow = number.dataset.value;
  }

  #placeholder() {
    return { loading: "…", error: "?" }[this.dataset.state ?? ""] ?? "–";
  }
}

/** @param {View} view */
function stateOf(view) {
  if (view.signedOut) return "signed-out";
  if (view.error) return "error";
  return view.known ? "known" : "loading";
}

/** @param {View} view */
function noteOf(view) {
  if (view.signedOut) return t(view.suspended ? "balance.suspended" : "balance.signed_out");
  if (view.error) return t("balance.error");
  if (view.debt) return t("balance.debt", { n: view.debt });
  return view.held && view.known ? t("balance.held", { n: view.held }) : "";
}

/** @param {View} view */
function titleOf(view) {
  return both(wordsOf(view), view.shown === null ? "" : noteOf(view));
}

/** @param {View} view */
function wordsOf(view) {
  if (view.shown === null) return noteOf(view) || t("balance.loading");
  const level = { "ok": "", "low": t("balance.low"), "very-low": t("balance.very_low") }[
    levelOf(view.shown)
  ];
  return both(t("balance.available", { n: view.shown }), level);
}

/**
 * @param {string} first
 * @param {string} second
 */
function both(first, second) {
  return second ? t("balance.both", { first, second }) : first;
}

/**
 * Say a change once for the whole page, politely, and only when the number has come to rest.
 *
 * @param {HTMLElement} region
 */
function announce(region) {
  let said = store.state.shown;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  store.subscribe((view) => {
    clearTimeout(timer);
    if (view.shown === said) return;
    timer = setTimeout(() => {
      if (said !== null || view.error) region.textContent = wordsOf(view);
      said = view.shown;
      timer = setTimeout(() => region.replaceChildren(), SAID_MS); // old news is not to be found
    }, RESTED_MS);
  });
}

customElements.define("token-balance", TokenBalance);
const region = document.createElement("div");
region.className = "visually-hidden";
region.setAttribute("role", "status");
document.body.append(region);
announce(region);
