/**
 * Markdown while it streams in, by the server's rules: CommonMark, tables, strikethrough, no raw
 * HTML. When the reply is complete, the server's own rendering replaces this one.
 */

import { decorateCode } from "chat/copy";

/** @type {Promise<(text: string) => string> | undefined} */
let renderer;

/**
 * The renderer, which is fetched when the first reply is asked for, not with the page. Where that
 * fails, the reply streams in as plain text.
 */
export function loadRenderer() {
  renderer ??= import("markdown-it").then(
    ({ default: MarkdownIt }) => {
      const md = new MarkdownIt("commonmark", { html: false, breaks: true });
      md.enable(["table", "strikethrough"]).disable("image");
      return (text) => md.render(text);
    },
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
  return paragraph.outerHTML;
}

const FENCE = /^ {0,3}```/gm;
const BOLD = /\*\*/g;
const ITALIC = /(?<!\*)\*(?![\s*])|(?<=[^\s*])\*(?!\*)/g; // not the star of a list or of 2 * 3

/**
 * The text so far, with the marks closed that its last line leaves open: `**bold` would be shown
 * with its two stars until the other two arrive. Inside a code block nothing is closed.
 *
 * @param {string} text
 */
export function closeOpenMarks(text) {
  if (count(text, FENCE) % 2) return text;
  const line = text.slice(text.lastIndexOf("\n") + 1);
  if (count(line, /`/g) % 2) return `${text}\``;
  if (line.endsWith("**")) return text;
  if (count(line, BOLD) % 2) return `${text.replace(/\*$/, "")}**`;
  return count(line, ITALIC) % 2 && !line.endsWith("*") ? `${text}*` : text;
}

/**
 * @param {string} text
 * @param {RegExp} mark
 */
function count(text, mark) {
  return text.match(mark)?.length ?? 0;
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

  get text() {
    return this.#text;
  }

  /** @param {string} delta */
  append(delta) {
    this.#text += delta;
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
    page.innerHTML = render(closeOpenMarks(this.#text));
    const blocks = Array.from(page.content.children);
    const html = blocks.map((block) => block.outerHTML);
    // Finished blocks stay as they are, so that a selection in them survives.
    let same = 0;
    while (same < html.length && html[same] === this.#blocks[same]) same++;
    if (same === 0) this.#target.replaceChildren();
    while (this.#target.children.length > same) this.#target.lastElementChild?.remove();
    this.#target.append(...blocks.slice(same));
    decorateCode(this.#target);
    for (const link of this.#target.querySelectorAll("a")) {
      link.target = "_blank";
      link.rel = "noopener nofollow";
    }
    this.#blocks = html;
  }
}
