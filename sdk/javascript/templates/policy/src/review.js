// The verdict: a budget for each role, and roles that must not go.

import { log } from "../sdk/log.js";
import { sortedEntries } from "../sdk/order.js";
import { instancesByRole, Verdict } from "../sdk/policy.js";
import { readConfig } from "./config.js";

/**
 * @param {import("../sdk/policy.js").Review} review
 * @returns {Verdict}
 */
export function review(review) {
    const { most, protectedRoles } = readConfig(review.config);
    const now = instancesByRole(review.schedule);
    const before = instancesByRole(review.previous);
    const verdict = new Verdict();

    for (const [role, limit] of most) {
        const instances = now.get(role) ?? 0;
        if (instances > limit) verdict.deny(`${role}: ${instances} instances, at most ${limit} may be`);
    }
    for (const role of protectedRoles) {
        if (before.has(role) && !now.has(role)) verdict.deny(`${role}: protected, and would be gone`);
    }
    for (const [role, moved] of sortedEntries(review.diff.moved)) verdict.warn(`${role}: ${moved} moved`);

    log.info(verdict.allows ? "allow" : "deny");
    return verdict;
}
