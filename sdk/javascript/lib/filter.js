// A filter plugin: how its filters are called and exported.

import { Args } from "./args.js";
import { described, exchange } from "./exchange.js";
import { toJson } from "./json.js";
import { connectLog } from "./log.js";

/**
 * @typedef {object} Filter
 * @property {string[]} takes what its arguments are called, in order of position
 * @property {(args: Args) => unknown} apply the result: any JSON; a text prints without its quotes
 */

/**
 * The exports of a filter plugin.
 * @param {import("./exchange.js").About & { filters: Record<string, Filter> }} plugin filters by name, `[A-Za-z][A-Za-z0-9_]*`
 * @param {{ log: import("./log.js").Sink }} host
 */
export function filters(plugin, host) {
    connectLog(host.log);
    const byName = new Map(Object.entries(plugin.filters));
    return {
        filtering: {
            filters: () => [...byName.keys()],
            apply: exchange((/** @type {string} */ name, /** @type {string} */ args) => {
                const filter = byName.get(name);
                if (filter === undefined) throw new Error(`there is no filter \`${name}\`; this plugin has ${[...byName.keys()].join(", ")}`);
                return inFilter(name, () => toJson(filter.apply(new Args(JSON.parse(args), filter.takes))));
            }),
        },
        ...described("filter", plugin),
    };
}

/**
 * Errors begin with the filter's name.
 * @template T
 * @param {string} name
 * @param {() => T} call
 */
function inFilter(name, call) {
    try {
        return call();
    } catch (thrown) {
        if (thrown instanceof Error) thrown.message = `${name}: ${thrown.message}`;
        throw thrown;
    }
}
