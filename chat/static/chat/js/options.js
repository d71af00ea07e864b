/** Rename and delete, from the chat's own menu or elsewhere. */

import { api } from "api";
import { renamed } from "chat/chat-news";
import { ask, confirm } from "dialog";
import { on } from "live-events";
import { closeAround as closeMenu } from "menu";
import { t } from "strings";
import { toast } from "toast";

let deleting = false;

/** @param {HTMLElement} root The chat. */
export function connectOptions(root) {
  on("chat.updated", ({ chat_id, title }) => {
    if (chat_id === root.dataset.chat) entitle(title);
  });
  on("chat.deleted", ({ chat_id }) => {
    if (chat_id !== root.dataset.chat || deleting) return;
    const action = { label: t("chats.all"), href: root.dataset.chatsUrl ?? "/" };
    toast(t("chats.deleted_elsewhere"), { kind: "error", action });
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button || !button.closest("[data-menu]")) return;
    const chosen = "rename" in button.dataset ? rename : "delete" in button.dataset ? remove : null;
    if (!chosen) return;
    closeMenu(button);
    chosen(root).catch((error) => toast(error.detail || t("error.unknown"), { kind: "error" }));
  });
}

/** @param {HTMLElement} root */
async function rename(root) {
  const before = document.querySelector("[data-chat-title]")?.textContent ?? "";
  const title = await ask({
    title: t("chats.rename_title"),
    label: t("chats.name"),
    value: before,
    action: t("action.save"),
  });
  if (title === null || title === before) return;
  await api("PATCH", `/api/chats/${root.dataset.chat}`, { body: { title } });
  entitle(title);
  renamed(root.dataset.chat ?? "", title);
  toast(t("chats.renamed"));
}

/** @param {string} title */
function entitle(title) {
  const titles = document.querySelectorAll("[data-chat-title]");
  document.title = document.title.replace(titles[0]?.textContent ?? title, () => title);
  for (const element of titles) element.textContent = title;
}

/** @param {HTMLElement} root */
async function remove(root) {
  const title = document.querySelector("[data-chat-title]")?.textContent ?? "";
  const agreed = await confirm({
    title: t("chats.delete_title"),
    text: t("chats.delete_text", { title }),
    action: t("action.delete"),
    danger: true,
  });
  if (!agreed) return;
  deleting = true;
  try {
    await api("DELETE", `/api/chats/${root.dataset.chat}`);
  } finally {
    deleting = false;
  }
  location.assign(root.dataset.chatsUrl ?? "/");
}
