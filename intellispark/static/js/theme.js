/** The theme: the system's, light, or dark; kept on this device. base.html applies it first. */

import { t } from "strings";

const THEMES = ["auto", "light", "dark"];

/**
 * Let every toggle step to the next theme, and show the current one.
 *
 * @param {Document} root
 */
export function connect(root) {
  const toggles = [...root.querySelectorAll("[data-theme-toggle]")];
  const show = () => toggles.forEach((toggle) => label(toggle, current()));
  for (const toggle of toggles) {
    toggle.addEventListener("click", () => {
      apply(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);
      show();
    });
  }
  // This tab follows when another one has chosen.
  addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    mark(event.newValue ?? "auto");
    show();
  });
  mark(current());
  show();
}

function current() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** @param {string} theme */
function apply(theme) {
  mark(theme);
  try {
    if (theme === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch (error) {
    console.info("theme: kept for this page only, storage is refused", error);
  }
}

/** @param {string} theme */
function mark(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // For the browser's own bar: one of the two colours, or each under its media query.
  for (const meta of document.querySelectorAll("meta")) {
    const side = meta.dataset.themeColor;
    if (!side) continue;
    const forced = theme === side ? "all" : "not all";
    meta.media = theme === "auto" ? `(prefers-color-scheme: ${side})` : forced;
  }
}

/**
 * @param {Element} toggle
 * @param {string} theme
 */
function label(toggle, theme) {
  toggle.setAttribute("aria-label", t(`theme.${theme}`));
  toggle.setAttribute("title", t(`theme.${theme}`));
  toggle.querySelector("use")?.setAttribute("href", `#icon-${theme}`);
}
