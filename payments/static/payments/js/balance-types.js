/** The shapes that the balance modules share: types only, so no page loads this file. */

/**
 * @typedef {object} Balance Whole tokens, as the server sends them.
 * @property {number} epoch
 * @property {number} version
 * @property {number} balance
 * @property {number} held
 * @property {number} available
 * @property {number} debt
 * @property {string[]} [ops] The operations (Idempotency-Keys) that it contains and the one before
 *   does not. The answer of `GET /api/payment/user/tokens` has none: it cannot tell.
 * @property {string} [user_id] Whose it is, where the server says so.
 */

/**
 * @typedef {object} State
 * @property {Balance | null} seen The newest balance.
 * @property {Readonly<Record<string, number>>} pending Tokens of each operation in flight.
 * @property {boolean} loading No number is sure until the server has answered.
 * @property {boolean} error The server could not be asked.
 * @property {"" | "signed-out" | "suspended"} ended Nobody is signed in here any more; final.
 */

/**
 * @typedef {{type: "balance", balance: Balance, settled?: string}
 *   | {type: "began", op: string, tokens: number}
 *   | {type: "settled", op: string}
 *   | {type: "loading"}
 *   | {type: "failed"}
 *   | {type: "ended", why: "signed-out" | "suspended"}} Action
 */

/**
 * @typedef {object} View What components show.
 * @property {number | null} shown What can be spent; null while loading, on error, signed out.
 * @property {number} held Tokens reserved by replies in progress, this page's own included.
 * @property {number} debt
 * @property {boolean} known
 * @property {boolean} error
 * @property {boolean} signedOut
 * @property {boolean} suspended
 * @property {number} epoch
 * @property {number} version
 * @property {Balance | null} seen The newest balance, without what is pending.
 */

/**
 * @typedef {object} Receiver What a `BalanceSocket` calls.
 * @property {(frame: Balance & {type: string}) => void} snapshot The first balance of a connection.
 * @property {(balance: Balance) => void} apply
 * @property {(beacon: {epoch: number, version: number}) => unknown} beacon
 * @property {(frame: any) => void} event Any other frame: `{type, …}`.
 * @property {() => void} unreachable From the second try without a snapshot on.
 * @property {(code: number) => void} ended The server closed for good, with that code.
 */

export {};
