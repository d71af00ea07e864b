/** Says on an open page that nobody is signed in here any more, and leads back in. */

import { store } from "payments/balance-store";
import { t } from "strings";
import { toast } from "toast";

/**
 * Pages that keep what is typed until then mark that with `data-keeps-drafts`, and are told so.
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
    if (known) fromCache = false; // the server has said that this page still is theirs
    if (!signedOut) return;
    queueMicrotask(() => unsubscribe());
    // What the back button brought is the page of somebody who has left.
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
