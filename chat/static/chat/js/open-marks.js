/**
 * Closes the Markdown that a reply has open while it grows, so that `**bold` is not read as two
 * stars until the other two arrive. `chat/conversations/open_marks.py` does the same for a reply
 * that was stopped or cut.
 */

const SPACES = "\t\n\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + between(0x2000, 0x200a);
const FENCE = /^[ \t>]*(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)$/s;
const BLOCK_START = /^[ \t>]*(?:#{1,6}[ \t]+|(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)*/;
const RULER = /^[ \t>]*([*_])[ \t]*(?:\1[ \t]*){2,}$/;
const HALF_LINK = /\[([^[\]]*)\]\([^()\n]*$/;
const TOKEN = /\\[^]|`+|\*+|_+|~+|\]\([^()\n]*\)|<[^<>\n]*>/g;
const NO_WORD = `${SPACES}!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`;
const MAX_OPEN = 20;

/** @typedef {{mark: string, count: number}} Open */

/**
 * The text with the emphasis and code closed that its end left open.
 *
 * A mark that nothing follows is dropped, and of a link without its end only the words are kept.
 * Inside a code block marks mean nothing.
 *
 * @param {string} text
 */
export function closeOpenMarks(text) {
  const start = lastBlock(text);
  if (start === null) return text;
  const said = trimEnd(text.slice(start));
  const space = text.slice(start + said.length);
  return text.slice(0, start) + closed(said.replace(HALF_LINK, "$1")) + space;
}

/**
 * Where the last stretch of running text begins; null inside a code block.
 *
 * @param {string} text
 */
function lastBlock(text) {
  let [start, at, fence, wasQuoted] = [0, 0, "", false];
  for (const line of text.split("\n")) {
    const [, marks, rest] = FENCE.exec(line) ?? [];
    if (fence) {
      if (marks?.startsWith(fence) && !trimEnd(rest)) fence = "";
      start = at + line.length;
    } else if (marks && !(marks.includes("`") && rest.includes("`"))) {
      fence = marks;
    } else {
      const marker = BLOCK_START.exec(line)?.[0] ?? "";
      const isQuoted = marker.includes(">");
      const bare = trimStart(line);
      if (!bare || RULER.test(line)) start = at + line.length;
      else if (bare.startsWith("|")) start = at + line.lastIndexOf("|") + 1;
      else if (/[^ \t>]/.test(marker) || isQuoted !== wasQuoted) start = at + marker.length;
      wasQuoted = isQuoted;
    }
    at += line.length + 1;
  }
  return fence ? null : start;
}

/**
 * One stretch of running text, without space at its end, with closing marks.
 *
 * @param {string} said
 */
function closed(said) {
  /** @type {Open[]} Outermost first. */
  const opened = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(said); found; found = TOKEN.exec(said)) {
    const run = found[0];
    const before = said.charAt(found.index - 1);
    const after = said.charAt(TOKEN.lastIndex);
    if (run[0] === "`") {
      const end = new RegExp(`(?<!\`)${run}(?!\`)`, "g");
      end.lastIndex = TOKEN.lastIndex;
      if (!end.test(said)) {
        return after ? said + run + closers(opened) : without(said, run, opened);
      }
      TOKEN.lastIndex = end.lastIndex;
    } else if ("*_~".includes(run[0])) {
      const left = close(opened, run, before, after);
      if (left && !after && !(run[0] === "_" && isWord(before))) {
        return without(said, run.slice(0, left), opened);
      }
      if (left && opens(run, before, after) && opened.length < MAX_OPEN) {
        opened.push({ mark: run[0], count: left });
      }
    }
  }
  return said + closers(opened);
}

/**
 * Take from `opened` what that run closes; how many of its marks are left.
 *
 * @param {Open[]} opened
 * @param {string} run
 * @param {string} before
 * @param {string} after
 */
function close(opened, run, before, after) {
  let left = run.length;
  if (SPACES.includes(before) || (run[0] === "_" && isWord(after))) return left;
  while (left && opened.some(({ mark }) => mark === run[0])) {
    const last = opened.pop();
    if (last?.mark !== run[0]) continue;
    const taken = Math.min(left, last.count);
    left -= taken;
    if (last.count > taken) opened.push({ mark: last.mark, count: last.count - taken });
  }
  return left;
}

/**
 * @param {string} run
 * @param {string} before
 * @param {string} after
 */
function opens(run, before, after) {
  if (SPACES.includes(after)) return false;
  if (run[0] === "~") return run.length === 2;
  return !(run[0] === "_" && isWord(before));
}

/** @param {string} char One, or none. */
function isWord(char) {
  return !NO_WORD.includes(char);
}

/**
 * @param {string} said
 * @param {string} dangling
 * @param {Open[]} opened
 */
function without(said, dangling, opened) {
  return trimEnd(said.slice(0, -dangling.length)) + closers(opened);
}

/** @param {Open[]} opened */
function closers(opened) {
  return opened.reduceRight((text, { mark, count }) => text + mark.repeat(count), "");
}

/** @param {string} text */
function trimEnd(text) {
  let end = text.length;
  while (end && SPACES.includes(text[end - 1])) end--;
  return text.slice(0, end);
}

/** @param {string} text */
function trimStart(text) {
  let start = 0;
  while (start < text.length && SPACES.includes(text[start])) start++;
  return text.slice(start);
}

/**
 * @param {number} first
 * @param {number} last
 */
function between(first, last) {
  return String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, n) => first + n));
}
