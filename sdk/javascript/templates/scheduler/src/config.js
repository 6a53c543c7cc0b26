// The manifest's `config`.

import { compareTexts } from "../sdk/order.js";

const DEFAULT_MAX_BUSY = 0.9;

/**
 * @typedef {object} Config
 * @property {number} maxBusy the busiest that a peer may be to get another instance, a share above 0 and at most 1
 */

/**
 * @param {Record<string, any>} config
 * @returns {Config}
 */
export function readConfig(config) {
    const unknown = Object.keys(config).filter((key) => key !== "max_busy").sort(compareTexts);
    if (unknown.length > 0) throw new Error(`config: unknown key ${unknown[0]}, expected max_busy`);

    const { max_busy: maxBusy = DEFAULT_MAX_BUSY } = config;
    if (typeof maxBusy !== "number" || !(maxBusy > 0 && maxBusy <= 1)) {
        throw new Error("config: max_busy must be a number above 0 and at most 1");
    }
    return { maxBusy };
}
