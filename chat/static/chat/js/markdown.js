/**
 * Markdown while it streams in. The server's own rendering replaces it when the reply is complete;
 * until then `chat/render` follows the same rules.
 */

import { decorateCode } from "chat/copy";

/** @type {Promise<(text: string) => string> | undefined} */
let renderer;

/**
 * The renderer, which is fetched when the first reply is asked for, not with the page. Where that
 * fails, the reply streams in as plain text.
 */
export function loadRenderer() {
  renderer ??= import("chat/render").then(
    ({ renderGrowing }) => renderGrowing,
    (error) => {
      console.warn("markdown: could not be loaded", error);
      renderer = undefined;
      return plain;
    },
  );
  return renderer;
}

/** @param {string} text */
function plain(text) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  paragraph.dir = "auto";
  return paragraph.outerHTML;
}

/** Renders a growing text into an element, at most once per animation frame. */
export class StreamRenderer {
  #target;
  /** @type {string[]} */
  #blocks = [];
  #text = "";
  #frame = 0;
  #ended = false;

  /** @param {HTMLElement} target */
  constructor(target) {
    this.#target = target;
  }

  /** @param {string} delta */
  append(delta) {
    this.replace(this.#text + delta);
  }

  /**
   * Show this in place of what came so far.
   *
   * @param {string} text
   */
  replace(text) {
    this.#text = text;
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Draw no more: what is shown is final, or the server's rendering follows. */
  end() {
    this.#ended = true;
    cancelAnimationFrame(this.#frame);
  }

  async #draw() {
    const render = await loadRenderer();
    this.#frame = 0;
    if (this.#ended) return;
    const page = document.createElement("template");
    page.innerHTML = render(this.#text);
    const blocks = Array.from(page.content.children);
    const html = blocks.map((block) => block.outerHTML);
    // Finished blocks stay as they are, so that a selection in them survives.
    let same = 0;
    while (same < html.length && html[same] === this.#blocks[same]) same++;
    if (same === 0) this.#target.replaceChildren();
    while (this.#target.children.length > same) this.#target.lastElementChild?.remove();
    this.#target.append(...blocks.slice(same));
    decorateCode(this.#target);
    this.#blocks = html;
  }
}
