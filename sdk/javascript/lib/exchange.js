// What every kind of plugin has in common: how it describes itself, how its configuration is checked, how an exception becomes an
// answer.

import { log } from "./log.js";

/**
 * What `describe` says.
 * @typedef {object} About
 * @property {string} name
 * @property {string} version
 * @property {"columns" | "document"} [input] how it wants peers and metrics: read from the host, or in the document
 * @property {("runtime" | "parents" | "actions" | "peers" | "metrics")[]} [reads] the parts of the document that it reads; all
 *     where it is left out
 * @property {(config: Record<string, any>) => unknown} [checkConfig] throws what is wrong with a configuration; what it returns
 *     is not looked at
 */

/**
 * The exports `describe` and `check-config`.
 * @param {"scheduler" | "policy" | "filter" | "query"} kind
 * @param {About} about
 */
export function described(kind, { name, version, input, reads, checkConfig }) {
    return {
        describe: () => JSON.stringify({ name, version, kind, input, reads }),
        checkConfig: exchange((/** @type {string} */ config) => {
            checkConfig?.(JSON.parse(config));
        }),
    };
}

/**
 * A function for the host: what it throws is thrown as a text, which the host gets as the answer's error.
 * @template {unknown[]} A
 * @template R
 * @param {(...args: A) => R} call
 * @returns {(...args: A) => R}
 */
export function exchange(call) {
    return (...args) => {
        try {
            return call(...args);
        } catch (thrown) {
            throw textOf(thrown).toWellFormed();
        }
    };
}

/** An `Error` is the author's own text; other kinds, such as TypeError, are mistakes, of which the stack is logged. */
function textOf(/** @type {unknown} */ thrown) {
    if (!(thrown instanceof Error)) return String(thrown);
    if (thrown.name === "Error") return thrown.message;
    log.error(`${thrown.name}: ${thrown.message}\n${thrown.stack ?? ""}`.trimEnd());
    return `${thrown.name}: ${thrown.message}`;
}
