/**
 * The bare names of the import map (`templates/_importmap.html`), for Node.
 *
 * Node runs this file twice: with the tests, where it registers itself, and on the thread that
 * resolves modules, which calls `resolve`.
 */

import { existsSync } from "node:fs";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

const root = new URL("../../", import.meta.url);

if (isMainThread) register(import.meta.url);

/**
 * @param {string} name
 * @param {object} context
 * @param {(name: string, context: object) => Promise<object>} next
 */
export async function resolve(name, context, next) {
  const file = /^[a-z]/.test(name) ? fileOf(name) : undefined;
  return file ? { url: file, format: "module", shortCircuit: true } : next(name, context);
}

/** @param {string} name */
function fileOf(name) {
  const path = pathOf(name);
  const file = new URL(path, root);
  return existsSync(fileURLToPath(file)) ? file.href : undefined;
}

/** @param {string} name */
function pathOf(name) {
  if (name === "markdown-it") return "intellispark/static/vendor/markdown-it/markdown-it.esm.min.mjs";
  const [, app, module] = /^(chat|payments)\/(.+)$/.exec(name) ?? [];
  return app ? `${app}/static/${app}/js/${module}.js` : `intellispark/static/js/${name}.js`;
}
