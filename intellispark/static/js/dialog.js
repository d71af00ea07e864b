/** Questions in a <dialog>. The browser keeps the focus in it and closes it on Esc. */

import { t } from "strings";

/** @typedef {{title: string, text?: string, action: string, danger?: boolean}} Question */

/**
 * Ask for a yes or a no; resolves with whether the person agreed.
 *
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
export async function confirm(question) {
  const { dialog } = build(question);
  return (await answer(dialog)) === "yes";
}

/**
 * Ask for a text; resolves with it, trimmed and not empty, or with null when the person cancelled.
 *
 * @param {{title: string, label: string, value?: string, action: string, maxLength?: number}} question
 * @returns {Promise<string | null>}
 */
export async function ask({ title, label, value = "", action, maxLength = 120 }) {
  const { dialog, form, actions } = build({ title, action });
  const field = element("label", "field");
  const input = element("input", "input");
  input.value = value;
  input.maxLength = maxLength;
  const error = element("span", "field__errors");
  error.id = "dialog-error";
  error.setAttribute("role", "alert");
  input.setAttribute("aria-describedby", error.id);
  field.append(element("span", "field__label", label), input);
  actions.before(field, error);
  const showBlank = (/** @type {boolean} */ isBlank) => {
    input.setAttribute("aria-invalid", String(isBlank));
    error.textContent = isBlank ? t("error.blank") : "";
  };
  input.addEventListener("input", () => showBlank(false));
  form.addEventListener("submit", (event) => {
    if (input.value.trim()) return;
    event.preventDefault();
    showBlank(true);
    input.focus();
  });
  const given = answer(dialog);
  input.select();
  return (await given) === "yes" ? input.value.trim() : null;
}

/** @param {Question} question */
function build({ title, text, action, danger = false }) {
  const dialog = element("dialog", "dialog");
  const form = element("form");
  form.method = "dialog";
  const heading = element("h2", undefined, title);
  heading.id = "dialog-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  form.append(heading);
  if (text) form.append(element("p", "dialog__text", text));
  const actions = element("div", "dialog__actions");
  const no = element("button", "button", t("action.cancel"));
  no.type = "button";
  no.addEventListener("click", () => dialog.close("no"));
  const yes = element("button", `button ${danger ? "button--danger" : "button--primary"}`, action);
  yes.value = "yes";
  actions.append(no, yes);
  form.append(actions);
  dialog.append(form);
  return { dialog, form, actions };
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
function answer(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("no"); // the backdrop
  });
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
