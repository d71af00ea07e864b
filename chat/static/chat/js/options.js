/** Rename and delete a chat, from every menu that offers it: in the list, on the chat's own page. */

import { api } from "api";
import { pageOf, removeChat, setTitle, titleOf } from "chat/chat-list";
import { ask, confirm } from "dialog";
import { on } from "live-events";
import { closeAround as closeMenu } from "menu";
import { t } from "strings";
import { toast } from "toast";

/** Chats that this page has deleted, or is deleting: their event is no news here. */
const deletedHere = new Set();

/** @param {Document} root */
function connect(root) {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    const { renameChat, deleteChat } = button.dataset;
    if (!renameChat && !deleteChat) return;
    event.preventDefault(); // the page of the same question is for those without scripts
    closeMenu(button);
    const done = renameChat ? rename(renameChat) : remove(deleteChat ?? "");
    done.catch((error) => toast(error.detail || t("error.unknown"), { kind: "error" }));
  });
  on("chat.deleted", ({ chat_id }) => {
    const page = pageOf(chat_id);
    if (!page || deletedHere.has(chat_id)) return;
    const action = { label: t("chats.all"), href: page.dataset.chatsUrl ?? "/" };
    toast(t("chats.deleted_elsewhere"), { kind: "error", action });
  });
}

/** @param {string} chatId */
async function rename(chatId) {
  const before = titleOf(chatId);
  const title = await ask({
    title: t("chats.rename_title"),
    label: t("chats.name"),
    value: before,
    action: t("action.save"),
  });
  if (title === null || title === before) return;
  await api("PATCH", `/api/chats/${chatId}`, { body: { title } });
  setTitle(chatId, title);
  toast(t("chats.renamed"));
}

/** @param {string} chatId */
async function remove(chatId) {
  const agreed = await confirm({
    title: t("chats.delete_title"),
    text: t("chats.delete_text", { title: titleOf(chatId) }),
    action: t("action.delete"),
    danger: true,
  });
  if (!agreed) return;
  deletedHere.add(chatId);
  try {
    await api("DELETE", `/api/chats/${chatId}`);
  } catch (error) {
    deletedHere.delete(chatId);
    throw error;
  }
  const page = pageOf(chatId);
  if (page) return location.assign(page.dataset.chatsUrl ?? "/");
  removeChat(chatId);
  toast(t("chats.deleted"));
}

connect(document);
