/** The list of chats: rename and delete, through the API. */

import { ApiError, api } from "api";
import { removed, renamed } from "chat/chat-news";
import { ask, confirm } from "dialog";
import { closeAround as closeMenu } from "menu";
import { t } from "strings";
import { toast } from "toast";

/** @param {Document} root */
export function connect(root) {
  root.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const button = event.target.closest("[data-rename-chat], [data-delete-chat]");
    /** @type {HTMLElement | null | undefined} */
    const row = button?.closest("[data-chat-row]");
    if (!button || !row) return;
    closeMenu(button);
    if (button.hasAttribute("data-rename-chat")) rename(row);
    else remove(row);
  });
}

/** @param {HTMLElement} row */
async function rename(row) {
  const title = titleOf(row);
  const given = await ask({
    title: t("chats.rename_title"),
    label: t("chats.name"),
    value: title.textContent ?? "",
    action: t("action.save"),
  });
  if (given === null || given === title.textContent) return;
  try {
    await api("PATCH", `/api/chats/${row.dataset.chatRow}`, { body: { title: given } });
  } catch (error) {
    toast(reason(error), { kind: "error" });
    return;
  }
  renamed(row.dataset.chatRow ?? "", given);
  toast(t("chats.renamed"));
}

/** @param {HTMLElement} row */
async function remove(row) {
  const agreed = await confirm({
    title: t("chats.delete_title"),
    text: t("chats.delete_text", { title: titleOf(row).textContent ?? "" }),
    action: t("action.delete"),
    danger: true,
  });
  if (!agreed) return;
  try {
    await api("DELETE", `/api/chats/${row.dataset.chatRow}`);
  } catch (error) {
    toast(reason(error), { kind: "error" });
    return;
  }
  removed(row.dataset.chatRow ?? "");
  toast(t("chats.deleted"));
}

/** @param {HTMLElement} row */
function titleOf(row) {
  return /** @type {HTMLElement} */ (row.querySelector("[data-title]"));
}

/** @param {unknown} error */
function reason(error) {
  return (error instanceof ApiError && error.detail) || t("error.unknown");
}

connect(document);
