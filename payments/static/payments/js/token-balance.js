/**
 * `<token-balance>`: the store's number, in every place that shows it.
 *
 * The server renders it complete, in a width that no number changes; this keeps it up to date.
 */

import { store } from "payments/balance-store";
import { grouped, t } from "strings";

/** @import { View } from "payments/balance-types" */

/** @type {Record<string, string>} */
const PLACEHOLDERS = { loading: "…", error: "?" };
const COUNT_MS = 200;
const AT_REST_MS = 1000;
const ANNOUNCED_MS = 4000;

/**
 * From how many tokens on a balance is low, and very low: the server's, on every element.
 *
 * @type {{lowAt?: string, veryLowAt?: string}}
 */
let thresholds = {};

/**
 * @param {number} tokens
 * @returns {"ok" | "low" | "very-low"}
 */
export function levelOf(tokens, { lowAt, veryLowAt } = thresholds) {
  if (tokens <= Number(veryLowAt)) return "very-low";
  return tokens <= Number(lowAt) ? "low" : "ok";
}

class TokenBalance extends HTMLElement {
  /** @type {(() => void) | undefined} */
  #unsubscribe;
  /** @type {number | null} */
  #number = null;
  #frame = 0;

  connectedCallback() {
    const { epoch, version, balance, held, debt, availableNow } = this.dataset;
    thresholds = this.dataset;
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
    const { shown, epoch, version, held, debt, error } = view;
    const level = shown === null ? "ok" : levelOf(shown);
    Object.assign(this.dataset, { epoch, version, held, debt, level, state: stateOf(view) });
    if (shown !== null) {
      this.#fill("[data-unit=ok]", t("balance.unit", { n: shown }));
      const warning = shown ? t("balance.unit_very_low") : t("balance.none_left");
      this.#fill("[data-unit=very-low]", warning);
    }
    this.#fill("[data-note]", noteOf(view));
    this.title = joined(wordsOf(view), shown === null ? "" : noteOf(view));
    /** @type {HTMLElement | null} */
    const retry = this.querySelector("[data-refetch]");
    if (retry) retry.hidden = !error;
    this.#count(shown);
  }

  /**
   * @param {string} selector Of a part that not every place has.
   * @param {string} text
   * @returns {HTMLElement | null}
   */
  #fill(selector, text) {
    /** @type {HTMLElement | null} */
    const part = this.querySelector(selector);
    if (part) part.textContent = text;
    return part;
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
    let start = 0;
    const step = (/** @type {number} */ now) => {
      start ||= now;
      const done = Math.min(1, (now - start) / COUNT_MS);
      this.#write(Math.round(from + (target - from) * done));
      if (done < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** @param {number | null} tokens */
  #write(tokens) {
    const { state = "" } = this.dataset;
    const text = tokens === null ? (PLACEHOLDERS[state] ?? "–") : grouped(tokens);
    const number = this.#fill("[data-available]", text);
    if (!number) return;
    number.hidden = state === "error";
    this.dataset.availableNow = number.dataset.value = String(this.#number ?? "");
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

/**
 * What can be spent, and whether it is low; or why that cannot be told.
 *
 * @param {View} view
 */
function wordsOf(view) {
  if (view.shown === null) return noteOf(view) || t("balance.loading");
  const level = { "ok": "", "low": t("balance.low"), "very-low": t("balance.very_low") }[
    levelOf(view.shown)
  ];
  return joined(t("balance.available", { n: view.shown }), level);
}

/**
 * @param {string} first
 * @param {string} second
 */
function joined(first, second) {
  return second ? t("balance.both", { first, second }) : first;
}

/**
 * Announce a change to those who listen to the page: once for all elements, and only when the
 * number has come to rest.
 *
 * @param {HTMLElement} region
 */
function announce(region) {
  let announced = store.state.shown;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  store.subscribe((view) => {
    clearTimeout(timer);
    if (view.shown === announced) return;
    timer = setTimeout(() => {
      if (announced !== null || view.error) region.textContent = wordsOf(view);
      announced = view.shown;
      timer = setTimeout(() => region.replaceChildren(), ANNOUNCED_MS); // it is old by then
    }, AT_REST_MS);
  });
}

customElements.define("token-balance", TokenBalance);
const region = document.createElement("div");
region.className = "visually-hidden";
region.setAttribute("role", "status");
document.body.append(region);
announce(region);
