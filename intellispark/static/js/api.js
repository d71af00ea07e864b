/**
 * The HTTP API: one place for CSRF, idempotency keys and the error body.
 *
 * What the server answers is announced as the event `api.answered`, `{key, data}` or
 * `{key, error}`: whoever shows something that an answer carries listens for it.
 */

import { emit } from "live-events";
import { send } from "network";

/** Thrown when the server refused, or could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when no answer came.
   * @param {Record<string, any>} [error] The `error` of the body.
   */
  constructor(status, error = {}) {
    super(error.detail || error.code || `HTTP ${status}`);
    this.status = status;
    /** @type {string} */
    this.code = error.code || (status ? "http_error" : "network_error");
    /** @type {string} */
    this.detail = error.detail || "";
    /** @type {Record<string, any>} */
    this.fields = error.fields || {};
    /** @type {number | undefined} */
    this.retryAfter = error.retry_after;
    /** @type {number | undefined} */
    this.needed = error.needed;
    /** @type {number | undefined} */
    this.available = error.available;
  }
}

/**
 * @typedef {object} Options
 * @property {unknown} [body] Sent as JSON.
 * @property {string} [key] Sent as Idempotency-Key.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * The answer's JSON, or null when it has none.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function api(method, path, options = {}) {
  const response = await request(method, path, options);
  const data = response.status === 204 ? null : await response.json();
  emit({ type: "api.answered", key: options.key, data });
  return data;
}

/**
 * The answer itself, for those who read it as a stream.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 * @throws {ApiError}
 */
export async function request(method, path, { body, key, headers, signal } = {}) {
  const sent = new Headers({ Accept: "application/json", ...headers });
  if (body !== undefined) sent.set("Content-Type", "application/json");
  if (key) sent.set("Idempotency-Key", key);
  if (method !== "GET") sent.set("X-CSRFToken", csrfToken());
  let response;
  try {
    response = await send(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0);
  }
  if (response.ok) return response;
  const error = new ApiError(response.status, await errorOf(response));
  emit({ type: "api.answered", key, error });
  throw error;
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await response.json().catch(() => null); // a proxy's own error page is not JSON
  const error = body?.error ?? {};
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  return { ...error, retry_after: error.retry_after ?? retryAfter };
}

/** The cookie's token; where the cookie is HttpOnly, that of any form on the page. */
function csrfToken() {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return cookie?.[1] ?? (field instanceof HTMLInputElement ? field.value : "");
}
