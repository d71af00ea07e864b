/**
 * Emphasis in Chinese, Japanese and Korean, where no space stands beside the marks: the CJK-friendly
 * amendments to CommonMark, as in `chat/conversations/emphasis.py`, which says why.
 */

/** @typedef {import("markdown-it").default} MarkdownIt */

const CJK =
  /^[\u1100-\u11ff\u20a9\u2329\u232a\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uffef\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const VARIATION = /^[\ufe00-\ufe0e\u{e0100}-\u{e01ef}]/u;

/**
 * Make the parser scan marks by that rule.
 *
 * @param {MarkdownIt} md
 */
export function makeCjkFriendly(md) {
  const { isPunctChar, isMdAsciiPunct, isWhiteSpace } = md.utils;
  const isSpace = (/** @type {string} */ char) => isWhiteSpace(codeOf(char));
  const isMark = (/** @type {string} */ char) => isMdAsciiPunct(codeOf(char)) || isPunctChar(char);

  md.inline.State = class extends md.inline.State {
    /**
     * @param {number} start
     * @param {boolean} canSplitWord
     */
    scanDelims(start, canSplitWord) {
      let end = start;
      while (end < this.posMax && this.src[end] === this.src[start]) end++;
      const before = characterBefore(this.src, start) || " ";
      const after = end < this.posMax ? characterAt(this.src, end) : " ";
      const base =
        VARIATION.test(before) && characterBefore(this.src, start - before.length)
          ? characterBefore(this.src, start - before.length)
          : before;
      const cjkBefore = CJK.test(base);
      const cjkAfter = CJK.test(after);
      const markBefore = isMark(before);
      const markAfter = isMark(after);
      const foreignBefore = markBefore && !cjkBefore;
      const foreignAfter = markAfter && !cjkAfter;
      const left =
        !isSpace(after) && (!foreignAfter || isSpace(before) || foreignBefore || cjkBefore);
      const right =
        !isSpace(before) && (!foreignBefore || isSpace(after) || foreignAfter || cjkAfter);
      return {
        can_open: left && (canSplitWord || !right || markBefore),
        can_close: right && (canSplitWord || !left || markAfter),
        length: end - start,
      };
    }
  };
}

/** @param {string} char */
function codeOf(char) {
  return char.codePointAt(0) ?? 0;
}

/**
 * @param {string} text
 * @param {number} at
 */
function characterAt(text, at) {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

/**
 * The character that ends at `at`, both halves of a pair; empty at the beginning.
 *
 * @param {string} text
 * @param {number} at
 */
function characterBefore(text, at) {
  return /[\ud800-\udbff][\udc00-\udfff]$|[^]$/.exec(text.slice(Math.max(0, at - 2), at))?.[0] ?? "";
}
