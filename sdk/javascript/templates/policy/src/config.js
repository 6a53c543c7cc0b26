// The manifest's `config`.

import { isMapping } from "../sdk/json.js";
import { compareTexts, sortedEntries } from "../sdk/order.js";

/**
 * @typedef {object} Config
 * @property {[string, number][]} most roles, ascending, and how many instances each may have
 * @property {string[]} protectedRoles roles that must not go
 */

/**
 * @param {Record<string, any>} config
 * @returns {Config}
 */
export function readConfig(config) {
    const unknown = Object.keys(config).filter((key) => key !== "most" && key !== "protected").sort(compareTexts);
    if (unknown.length > 0) throw new Error(`config: unknown key ${unknown[0]}, expected most or protected`);

    const { most = {}, protected: protectedRoles = [] } = config;
    if (!isMapping(most) || !Object.values(most).every(isCount)) {
        throw new Error("config: most must be a mapping of roles to whole numbers");
    }
    if (!Array.isArray(protectedRoles) || !protectedRoles.every((role) => typeof role === "string")) {
        throw new Error("config: protected must be a list of texts");
    }
    return { most: sortedEntries(most), protectedRoles };
}

function isCount(/** @type {unknown} */ value) {
    return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
