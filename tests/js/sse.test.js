/** The parser of Server-Sent Events: any cut of the text gives the same events. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SseParser, eventsOf } from "chat/sse";

const STREAM =
  'event: start\ndata: {"generation_id":"1"}\n\n' +
  ": a comment\n\n" +
  'id: 3\nevent: delta\ndata: {"text":"你好\\n"}\n\n' +
  "id: 5\r\nevent: delta\r\ndata: one\r\ndata: two\r\n\r\n" +
  "data:no space\n\n" +
  "event: done\ndata\n\n";

const EVENTS = [
  { event: "start", data: '{"generation_id":"1"}', id: "" },
  { event: "delta", data: '{"text":"你好\\n"}', id: "3" },
  { event: "delta", data: "one\ntwo", id: "5" },
  { event: "message", data: "no space", id: "5" },
  { event: "done", data: "", id: "5" },
];

test("the events of a whole stream", () => {
  assert.deepEqual(new SseParser().push(STREAM), EVENTS);
});

test("pieces of every size", () => {
  for (let size = 1; size < 40; size++) {
    const parser = new SseParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) {
      events.push(...parser.push(STREAM.slice(at, at + size)));
    }
    assert.deepEqual(events, EVENTS, `pieces of ${size}`);
  }
});

test("what a broken connection leaves behind is no event", () => {
  assert.deepEqual(new SseParser().push("event: delta\ndata: half"), []);
});

test("characters cut in the middle of their bytes", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events = [];
  for await (const event of eventsOf(new Response(body))) events.push(event);
  assert.deepEqual(events, EVENTS);
});

test("a stream that falls silent is an error, not a wait", async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: one\n\n")),
  });
  const events = eventsOf(new Response(body), 20);
  assert.equal((await events.next()).value?.data, "one");
  await assert.rejects(events.next(), /silent/);
});
