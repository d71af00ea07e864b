/** The chat page: makes its parts and connects them. */

import { Composer } from "chat/composer";
import { Conversation } from "chat/conversation";
import { connect as connectCopy } from "chat/copy";
import { Drafts } from "chat/drafts";
import { connect as connectHistory } from "chat/history";
import { Messages, part } from "chat/messages";
import "chat/options";
import { Follower } from "chat/scroll";
import { on } from "live-events";

const root = part(document, "[data-chat]");
const { chat = "", user = "", generation, generationMessage = "" } = root.dataset;

const messages = new Messages(root);
const follower = new Follower(
  part(root, "[data-scroller]"),
  part(root, "[data-column]"),
  part(root, "[data-jump]"),
);
const conversation = new Conversation(root, messages, follower);
const composer = new Composer(root, new Drafts(user, chat), {
  send: (text, key) => conversation.send(text, key),
  stop: () => conversation.stop(),
});
conversation.setComposer(composer);
connectHistory(root, messages, follower);
connectCopy(root);

root.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("button");
  if (!button) return;
  if ("retry" in button.dataset) conversation.retry();
  if ("suggestion" in button.dataset) composer.suggest(button.textContent ?? "");
});

/** @param {{chat_id?: string, generation_id?: string}} event */
function catchUp({ chat_id = chat, generation_id }) {
  if (chat_id === chat) conversation.catchUp(generation_id);
}
for (const type of ["chat.updated", "reply.started", "reply.finished", "resync"]) on(type, catchUp);

if (generation) conversation.attach(generation, generationMessage);
else if (matchMedia("(pointer: fine)").matches) composer.focus(); // a phone would open its keyboard
