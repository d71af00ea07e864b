/** What the page makes of a growing reply, by the corpus that the server's renderer is held to. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { closeOpenMarks } from "chat/open-marks";
import { plain, render, renderGrowing } from "chat/render";

const corpus = JSON.parse(readFileSync(new URL("../markdown/corpus.json", import.meta.url), "utf8"));

/** HTML as the server writes it: attributes in one order, no slash in an empty element. */
const asServer = (/** @type {string} */ html) =>
  html.replaceAll("&quot;", '"').replaceAll(" />", ">").replaceAll("\u00a0", "&nbsp;")
    .replace(/<(\w+)((?: [\w-]+="[^"]*")+)>/g, (_, tag, attributes) =>
      `<${tag}${attributes.match(/ [\w-]+="[^"]*"/g).sort().join("")}>`);

const built = (/** @type {[string, number][]} */ pieces) =>
  pieces.map(([piece, times]) => piece.repeat(times)).join("");

for (const [text, html] of corpus.rendered) {
  test(`renders ${JSON.stringify(text)}`, () => assert.equal(asServer(render(text)), asServer(html)));
}

for (const [text, closed] of corpus.open) {
  test(`closes ${JSON.stringify(text)}`, () => assert.equal(closeOpenMarks(text), closed));
}

for (const [name, pieces] of Object.entries(corpus.bounds)) {
  test(`stays plain: ${name}`, () => assert.equal(render(built(pieces)), plain(built(pieces))));
}

for (const [name, pieces] of Object.entries(corpus.within)) {
  test(`is rendered: ${name}`, () => assert.notEqual(render(built(pieces)), plain(built(pieces))));
}

test("what a growing reply has open is closed", () =>
  assert.equal(renderGrowing("a **bo"), '<p dir="auto">a <strong>bo</strong></p>\n'));
