/** Copy buttons of code blocks and of whole replies. */

import { t } from "strings";

const CONFIRM_MS = 1600;

/**
 * Give every code block of that text a bar with its language and a copy button.
 *
 * @param {ParentNode} text
 */
export function decorateCode(text) {
  for (const pre of text.querySelectorAll("pre:not(.code__text)")) {
    const language = /language-([\w+#.-]+)/.exec(pre.firstElementChild?.className ?? "")?.[1];
    const box = document.createElement("div");
    box.className = "code";
    const bar = document.createElement("div");
    bar.className = "code__bar";
    const label = document.createElement("span");
    label.textContent = language ?? t("code.label");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "code__copy";
    button.dataset.copyCode = "";
    button.textContent = t("copy");
    bar.append(label, button);
    pre.replaceWith(box);
    pre.classList.add("code__text");
    pre.setAttribute("tabindex", "0"); // wide code is scrolled by keyboard, too
    box.append(bar, pre);
  }
}

/**
 * Copy when a button below that element is clicked, one that comes later too.
 *
 * @param {HTMLElement} root
 */
export function connect(root) {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    if ("copyCode" in button.dataset) {
      copy(button.closest(".code")?.querySelector("pre")?.textContent ?? "", button);
    } else if ("copyReply" in button.dataset) {
      const content = button.closest("[data-message]")?.querySelector("[data-content]");
      copy(content instanceof HTMLElement ? textOf(content) : "", button);
    }
  });
}

/** The text of the reply, without the bars of its code blocks. */
function textOf(/** @type {HTMLElement} */ content) {
  for (const bar of content.querySelectorAll(".code__bar")) bar.setAttribute("hidden", "");
  const text = content.innerText.trim();
  for (const bar of content.querySelectorAll(".code__bar")) bar.removeAttribute("hidden");
  return text;
}

/**
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
async function copy(text, button) {
  const label = button.dataset.label ?? button.textContent ?? "";
  button.dataset.label = label;
  const done = await writeToClipboard(text);
  button.textContent = done ? t("copied") : t("copy.failed");
  setTimeout(() => {
    button.textContent = label;
  }, CONFIRM_MS);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function writeToClipboard(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false, // refused by the browser or the person: the button shows it
    );
  }
  // The clipboard API exists on secure origins only; this works on others.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
