// Lines for people: they appear in the host's log and in the status, under the plugin's log limit. A line never decides anything.

const TRACE = 0, DEBUG = 1, INFO = 2, WARN = 3, ERROR = 4;

/** @typedef {{ write(level: number, text: string): void }} Sink */

/** @type {Sink} */
let sink = { write: () => {} };

/**
 * Says where lines go: to the host in a plugin; in a test wherever the test wants them. Nowhere at first.
 * @param {Sink} to
 */
export function connectLog(to) {
    sink = to;
}

export const log = {
    /** Writes a line for the author. */
    trace: (/** @type {string} */ text) => write(TRACE, text),
    /** Writes a line for the author. */
    debug: (/** @type {string} */ text) => write(DEBUG, text),
    /** Writes a line that a person may want to know. */
    info: (/** @type {string} */ text) => write(INFO, text),
    /** Writes a line about something degraded. */
    warn: (/** @type {string} */ text) => write(WARN, text),
    /** Writes a line about something that needs a person. */
    error: (/** @type {string} */ text) => write(ERROR, text),
};

function write(/** @type {number} */ level, /** @type {string} */ text) {
    sink.write(level, String(text).toWellFormed());
}
