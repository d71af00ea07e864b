/**
 * What this browser keeps for the person who is signed in, until they sign out.
 *
 * Where storage is blocked or full, nothing is kept and everything else works.
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
    console.warn("user storage: could not be read", error);
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
    console.warn("user storage: could not be saved", error);
  }
}

/**
 * Remove what is kept at sign-out, and what an earlier person has left behind.
 *
 * @param {Document} root
 */
export function connect(root) {
  const { userId } = root.body.dataset;
  if (userId) removeWhere((key) => !key.startsWith(keyOf(userId, "")));
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    // Not `form.action`: a field of that name would stand in its place.
    if (form.getAttribute("action")?.endsWith("/logout/")) removeWhere(() => true);
  });
}

/** @param {(key: string) => boolean} unwanted */
function removeWhere(unwanted) {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    for (const key of keys.filter(unwanted)) localStorage.removeItem(key);
  } catch (error) {
    console.warn("user storage: could not be removed", error);
  }
}

/**
 * @param {string} userId
 * @param {string} name
 */
function keyOf(userId, name) {
  return `${PREFIX}${userId}:${name}`;
}
