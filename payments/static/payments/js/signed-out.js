/** Says on an open page that nobody is signed in on it any more, and leads to the sign-in page. */

import { store } from "payments/balance-store";
import { t } from "strings";
import { toast } from "toast";

/**
 * On a page that marks with `data-keeps-drafts` that it keeps what is typed, the note says so.
 *
 * @param {Document} root
 */
export function connect(root) {
  const { signInUrl } = root.body.dataset;
  let fromCache = false;
  addEventListener("pageshow", ({ persisted }) => {
    fromCache = persisted;
  });
  const unsubscribe = store.subscribe(({ signedOut, suspended, known }) => {
    if (known) fromCache = false; // the server has said that the page still is this person's
    if (!signedOut) return;
    queueMicrotask(() => unsubscribe());
    // The back button has brought a page of somebody who has left: load it as whoever is here now.
    if (fromCache) return location.reload();
    if (suspended) {
      toast(t("balance.suspended"), { kind: "error" });
      return;
    }
    const text = root.querySelector("[data-keeps-drafts]") ? t("signed_out") : t("signed_out.short");
    const href = `${signInUrl}?next=${encodeURIComponent(location.pathname)}`;
    toast(text, { kind: "error", action: { label: t("sign_in"), href } });
  });
}
