/** For tests in Python: a text as JSON on each line of stdin, what the page makes of it on stdout. */

import { createInterface } from "node:readline";

import { closeOpenMarks } from "chat/open-marks";
import { render } from "chat/render";

for await (const line of createInterface({ input: process.stdin })) {
  const text = JSON.parse(line);
  console.log(JSON.stringify({ html: render(text), closed: closeOpenMarks(text) }));
}
