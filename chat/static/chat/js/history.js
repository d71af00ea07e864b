/** Loads older messages as the reader comes near the top. What is in view stays where it is. */

import { api } from "api";
import { t } from "strings";
import { toast } from "toast";
import { part } from "chat/messages";

/** @typedef {import("chat/messages").Messages} Messages */
/** @typedef {import("chat/scroll").Follower} Follower */

const PAGE = 30;

/**
 * @param {HTMLElement} root
 * @param {Messages} messages
 * @param {Follower} follower
 */
export function connect(root, messages, follower) {
  const older = part(root, "[data-older]");
  const scroller = part(root, "[data-scroller]");
  let loading = false;

  async function load() {
    if (loading || older.hidden) return;
    loading = true;
    older.setAttribute("aria-busy", "true");
    try {
      const path = `/api/chats/${root.dataset.chat}/messages`;
      const query = new URLSearchParams({ before: messages.oldestId, limit: String(PAGE) });
      const page = await api("GET", `${path}?${query}`);
      follower.keep(() => {
        messages.prepend(page.results);
        older.hidden = !page.has_more;
      });
      observer.unobserve(older); // so that a page shorter than the screen loads another one
      observer.observe(older);
    } catch (error) {
      console.warn("chat: older messages could not be loaded", error);
      observer.disconnect(); // from here on the button loads, not the scrolling
      toast(t("history.failed"), { kind: "error" });
    } finally {
      loading = false;
      older.removeAttribute("aria-busy");
    }
  }

  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load();
    },
    { root: scroller, rootMargin: "300px 0px 0px" },
  );
  part(root, "[data-load-older]").addEventListener("click", load);
  observer.observe(older);
}
