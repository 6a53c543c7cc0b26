// A query plugin: what it is asked, and how it is exported.

import { described, exchange } from "./exchange.js";
import { toJson } from "./json.js";
import { connectLog } from "./log.js";

/**
 * A question to `/v1/query/PATH`.
 * @typedef {object} Question
 * @property {number} now milliseconds since the Unix epoch: the only clock
 * @property {string} path what follows `/v1/query/`, decoded
 * @property {string} method `GET`, `POST`
 * @property {Record<string, string>} query the parameters of the URL, decoded
 * @property {any} body the request's JSON; null where there was none
 * @property {string} hostname the node that was asked
 * @property {Record<string, any>} config the manifest's `config`
 * @property {import("./policy.js").CanonicalSchedule | null} schedule the one in force there
 * @property {string | null} schedule_digest
 * @property {number | null} since when it came into force there, in milliseconds since the Unix epoch
 */

/**
 * A node that is about to render.
 * @typedef {object} Rendering
 * @property {number} now milliseconds since the Unix epoch: the only clock
 * @property {string} hostname
 * @property {Record<string, any>} config the manifest's `config`
 * @property {import("./policy.js").CanonicalSchedule} schedule the one to be rendered
 * @property {import("./policy.js").CanonicalSchedule | null} previous the one rendered before
 * @property {Record<string, any>} machine facts
 */

/**
 * The exports of a query plugin.
 * @param {import("./exchange.js").About & {
 *     query: (question: Question) => unknown,
 *     renderRoles?: (rendering: Rendering) => { v: 1, to_render: Record<string, object>, all_roles?: string[] } | null,
 * }} plugin `query` answers any JSON; without `renderRoles`, and where it gives null, the schedule chooses the roles
 * @param {{ log: import("./log.js").Sink }} host
 */
export function query(plugin, host) {
    connectLog(host.log);
    return {
        querying: {
            query: exchange((/** @type {string} */ text) => toJson(plugin.query(JSON.parse(text)))),
            renderRoles: exchange((/** @type {string} */ text) => toJson(plugin.renderRoles?.(JSON.parse(text)) ?? null)),
        },
        ...described("query", plugin),
    };
}
