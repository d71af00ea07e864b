/**
 * Markdown as `chat/conversations/markdown.py` renders it, with the same rules and the same bounds:
 * CommonMark, tables, strikethrough, no raw HTML, links to the schemes that the server allows.
 */

import MarkdownIt from "markdown-it";
import { makeCjkFriendly } from "chat/emphasis";
import { closeOpenMarks } from "chat/open-marks";

/** @typedef {import("markdown-it").Token} Token */
/** @typedef {import("markdown-it").StateBlock} StateBlock */
/** @typedef {import("markdown-it").StateCore} StateCore */
/** @typedef {{cells?: number, definitions?: number, references?: Record<string, {href: string}>}} Env */

const MAX_MARKS = 10_000;
const MAX_CELLS = 1_000;
const MAX_TAGS = 3_000;
const MARK = /[*_~`[\]()<>|#!&\\\n]/g;
const DIRECTION = /^(?:(?<auto>paragraph|heading|list_item|th|td)_open|(?<ltr>fence|code_\w+))$/;
const CONTAINER = /^(?:blockquote|li)$/;
const LANGUAGE = /^[A-Za-z0-9_+#.-]{1,30}$/;
const SCHEME = /^(?:mailto:|(?![a-z][a-z0-9+.-]*:))/i; // ours, or none
const SPACE_AROUND = /^(?:(?!\ufeff)[\s\x1c-\x1f\x85])+|(?:(?!\ufeff)[\s\x1c-\x1f\x85])+$/g;

const md = new MarkdownIt("commonmark", { html: false, breaks: true });
md.enable(["table", "strikethrough"]).disable("image");
md.validateLink = isAllowed;
makeCjkFriendly(md);
boundTables();
countDefinitions();
md.core.ruler.after("inline", "languages", nameOnlyKnownLanguages);
md.core.ruler.before("inline", "trim", ({ tokens }) => tokens.forEach(trimParagraph));
md.core.ruler.push("attributes", ({ tokens }) => all(tokens, setAttributes));

/**
 * The HTML of a reply that may still be growing: what it has open is closed.
 *
 * @param {string} text
 */
export function renderGrowing(text) {
  return render(closeOpenMarks(text));
}

/**
 * The HTML of that text; plain text where Markdown would make too much of it, or leave words out.
 *
 * @param {string} text
 */
export function render(text) {
  if ((text.match(MARK)?.length ?? 0) > MAX_MARKS) return plain(text);
  /** @type {Env} */
  const env = {};
  const limit = 8 * text.length + 20_000;
  const tokens = md.parse(text, env);
  if ((env.cells ?? 0) > MAX_CELLS || isOver(tokens, limit) || losesWords(tokens, env)) {
    return plain(text);
  }
  const html = md.renderer.render(tokens, md.options, env).replaceAll("<pre>", '<pre dir="ltr">');
  return html && html.length <= limit ? html : plain(text);
}

/**
 * The text as it was typed, with its paragraphs and line breaks.
 *
 * @param {string} text
 */
export function plain(text) {
  const paragraphs = text.split(/\n{2,}/).filter((part) => part.trim());
  return paragraphs
    .map((part) => md.utils.escapeHtml(part.trim()).replaceAll("\n", "<br>\n"))
    .map((part) => `<p dir="auto">${part}</p>\n`)
    .join("");
}

/**
 * @param {Token[]} tokens
 * @param {number} limit
 */
function isOver(tokens, limit) {
  let tags = 0;
  let attributes = 0;
  all(tokens, (token) => {
    if (token.nesting >= 0 && token.tag && !token.hidden) tags++;
    for (const name of ["href", "title"]) attributes += token.attrGet(name)?.length ?? 0;
  });
  return tags > MAX_TAGS || attributes > limit;
}

/**
 * Whether the parser left out what nests too deeply, or a definition that no link uses.
 *
 * @param {Token[]} tokens
 * @param {Env} env
 */
function losesWords(tokens, env) {
  const deepest = md.options.maxNesting - 1;
  if (tokens.some(({ tag, level }) => CONTAINER.test(tag) && level >= deepest)) return true;
  const defined = Object.values(env.references ?? {});
  const linked = new Set();
  all(tokens, (token) => token.type === "link_open" && linked.add(token.attrGet("href")));
  return (env.definitions ?? 0) > defined.length || !defined.every(({ href }) => linked.has(href));
}

/**
 * The server's parser takes off every kind of space around a paragraph, ours only spaces and tabs.
 *
 * @param {Token} token
 * @param {number} at
 * @param {Token[]} tokens
 */
function trimParagraph(token, at, tokens) {
  if (token.type !== "inline" || !/^(?:paragraph|heading)_open$/.test(tokens[at - 1].type)) return;
  token.content = token.content.replace(SPACE_AROUND, "");
}

/**
 * Directions for blocks and code, and of all attributes only those that the server lets through.
 *
 * @param {Token} token
 */
function setAttributes(token) {
  const { auto, ltr } = DIRECTION.exec(token.type)?.groups ?? {};
  if (token.type.endsWith("_open") && token.tag.startsWith("t")) token.attrs = null; // alignment
  if (auto) token.attrSet("dir", "auto");
  if (ltr) token.attrSet("dir", "ltr");
  if (token.type === "code_block") token.type = "fence"; // one form of code, with one place to mark
  if (token.type === "link_open") {
    token.attrSet("target", "_blank");
    token.attrSet("rel", "noopener nofollow");
  }
}

/**
 * @param {Token[]} tokens
 * @param {(token: Token) => void} visit
 */
function all(tokens, visit) {
  for (const token of tokens) {
    visit(token);
    all(token.children ?? [], visit);
  }
}

/**
 * Whether the server's allow-list would leave a link that address; otherwise it stays text.
 *
 * @param {string} url
 */
function isAllowed(url) {
  return /^https?:/i.test(url) ? URL.canParse(url) : SCHEME.test(url);
}

/**
 * What stands after a fence becomes a class; what is no name of a language, a paragraph.
 *
 * @param {StateCore} state
 */
function nameOnlyKnownLanguages(state) {
  state.tokens = state.tokens.flatMap((token) => {
    if (token.type !== "fence") return [token];
    const info = token.info.trim();
    const [name] = info.split(" ");
    const isKnown = LANGUAGE.test(name);
    token.info = isKnown ? name : "";
    const rest = (isKnown ? info.slice(name.length) : info).trim();
    if (!rest) return [token];
    const open = new state.Token("paragraph_open", "p", 1);
    const inline = new state.Token("inline", "", 0);
    const close = new state.Token("paragraph_close", "p", -1);
    const text = new state.Token("text", "", 0);
    inline.content = text.content = rest;
    inline.children = [text];
    open.block = inline.block = close.block = true;
    return [open, inline, close, token];
  });
}

/** Count all definitions: of two with one label the parser keeps the first. */
function countDefinitions() {
  const scratch = new MarkdownIt("commonmark").block.ruler;
  scratch.enableOnly(["reference"]);
  const [reference] = scratch.getRules("");
  md.block.ruler.at("reference", (state, start, end, silent) => {
    const isOne = reference(state, start, end, silent);
    if (isOne && !silent) state.env.definitions = (state.env.definitions ?? 0) + 1;
    return isOne;
  });
}

/**
 * How many cells that row has, without empty ones at its end: the parser drops those that are more
 * than the head has.
 *
 * @param {StateBlock} state
 * @param {number} line
 */
function widthOf(state, line) {
  const row = state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]).trim();
  const cells = row.replace(/^\|/, "").split(/(?<!\\)\|/);
  while (cells.length > 1 && !cells[cells.length - 1].trim()) cells.pop();
  return cells.length;
}

/**
 * Take no table with which the text would have too many cells: they are counted beforehand. Nor one
 * with a row that is wider than its head: it stays as it was typed.
 */
function boundTables() {
  const scratch = new MarkdownIt("commonmark").block.ruler;
  scratch.enableOnly(["table"]);
  const [table] = scratch.getRules("");

  /**
   * @param {StateBlock} state
   * @param {number} start
   * @param {number} end
   * @param {boolean} silent
   */
  function bounded(state, start, end, silent) {
    if ((state.env.cells ?? 0) > MAX_CELLS || !table(state, start, end, true)) return false;
    if (silent) return true;
    const columns = state.src.slice(state.bMarks[start + 1], state.eMarks[start + 1]).split("|");
    let rows = 1;
    while (start + 1 + rows < end && !state.isEmpty(start + 1 + rows)) rows++;
    state.env.cells = (state.env.cells ?? 0) + rows * columns.length;
    const made = state.tokens.length;
    if (state.env.cells > MAX_CELLS || !table(state, start, end, false)) return false;
    for (let row = start + 2; row < state.line; row++) {
      if (widthOf(state, row) <= widthOf(state, start)) continue;
      state.tokens.length = made;
      state.line = start;
      return false;
    }
    return true;
  }
  md.block.ruler.at("table", bounded, { alt: ["paragraph", "reference"] });
}
