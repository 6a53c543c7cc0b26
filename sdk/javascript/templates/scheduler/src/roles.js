// The roles that the operators want: the runtime metadata.

import { isMapping } from "../sdk/json.js";
import { sortedEntries } from "../sdk/order.js";
import { isRoleName, MAX_INSTANCES } from "../sdk/schedule.js";

/** What `place` and `template` mean is the contract's and the metadata's own. */
const RESERVED = ["place", "template"];

/**
 * @typedef {object} Wanted
 * @property {string} name
 * @property {number} instances
 * @property {string | undefined} template
 * @property {Record<string, any>} vars
 */

/**
 * The roles, ascending by name.
 * @param {Record<string, any>} runtime
 * @returns {Wanted[]}
 */
export function readRoles(runtime) {
    return sortedEntries(runtime).map(([name, role]) => readRole(name, role));
}

function readRole(/** @type {string} */ name, /** @type {any} */ role) {
    if (!isRoleName(name)) throw new Error(`runtime: ${name} is no role name`);
    if (!isMapping(role)) throw new Error(`runtime: ${name} must be a mapping`);

    const { instances, template, vars = {} } = role;
    if (!Number.isInteger(instances) || instances < 0 || instances > MAX_INSTANCES) {
        throw new Error(`runtime: ${name}.instances must be a whole number from 0 to ${MAX_INSTANCES}`);
    }
    if (template !== undefined && typeof template !== "string") throw new Error(`runtime: ${name}.template must be a text`);
    if (!isMapping(vars)) throw new Error(`runtime: ${name}.vars must be a mapping`);
    for (const key of RESERVED) {
        if (Object.hasOwn(vars, key)) throw new Error(`runtime: ${name}.vars.${key} is reserved`);
    }
    return { name, instances, template, vars };
}
