/**
 * What this browser keeps for one person: theirs only, and gone when they sign out.
 *
 * Storage may be blocked or full; then nothing is kept and everything else still works.
 */

const PREFIX = "user:";

/**
 * @param {string} userId
 * @param {string} name
 * @returns {any} What was saved under that name, or null.
 */
export function load(userId, name) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(userId, name)) ?? "null");
  } catch (error) {
    console.warn("personal: not read", error);
    return null;
  }
}

/**
 * @param {string} userId
 * @param {string} name
 * @param {any} value JSON; null removes it.
 */
export function save(userId, name, value) {
  try {
    if (value === null) localStorage.removeItem(keyOf(userId, name));
    else localStorage.setItem(keyOf(userId, name), JSON.stringify(value));
  } catch (error) {
    console.warn("personal: not kept", error);
  }
}

/**
 * Forget on sign-out, and forget what is left of the last person when another one is here.
 *
 * @param {Document} root
 */
export function connect(root) {
  const { userId } = root.body.dataset;
  if (userId) forget((key) => !key.startsWith(keyOf(userId, "")));
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    // Not `form.action`: a field of that name would stand in its place.
    if (form.getAttribute("action")?.endsWith("/logout/")) forget(() => true);
  });
}

/** @param {(key: string) => boolean} unwanted */
function forget(unwanted) {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    for (const key of keys.filter(unwanted)) localStorage.removeItem(key);
  } catch (error) {
    console.warn("personal: not cleared", error);
  }
}

/**
 * @param {string} userId
 * @param {string} name
 */
function keyOf(userId, name) {
  return `${PREFIX}${userId}:${name}`;
}
