// The decision: reads what is wanted, places it, says why.

import { log } from "../sdk/log.js";
import { Schedule } from "../sdk/schedule.js";
import { readConfig } from "./config.js";
import { rank, spread } from "./decide.js";
import { readRoles } from "./roles.js";

/**
 * @param {import("../sdk/scheduler.js").Input} input
 * @returns {Schedule}
 */
export function schedule(input) {
    const { maxBusy } = readConfig(input.config);
    const roles = readRoles(input.runtime);
    const schedule = new Schedule(input);
    // Without roles nothing need be measured.
    if (roles.length === 0) return schedule;

    const busy = input.requiredColumn("cpu");
    const ranking = rank(busy);
    for (const { name, instances, template, vars } of roles) {
        const before = input.placed(name);
        const after = spread(instances, before, ranking, (peer) => busy[peer] <= maxBusy);

        const role = schedule.role(name);
        for (const [key, value] of Object.entries(vars)) role.set(key, value);
        if (template !== undefined) role.set("template", template);
        let placed = 0;
        after.forEach((count, peer) => {
            if (count > 0) role.place(peer, count, { why: reason(before[peer], count) });
            placed += count;
        });

        if (placed === instances) log.info(`${name}: ${placed} placed`);
        else log.warn(`${name}: ${placed} placed, ${instances - placed} missing`);
    }
    return schedule;
}

function reason(/** @type {number} */ before, /** @type {number} */ after) {
    if (before >= after) return "kept";
    return before === 0 ? "new" : `${before} kept, ${after - before} new`;
}
