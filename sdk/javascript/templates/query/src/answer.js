// Answers `roles/ROLE`: where a role stands.

const PREFIX = "roles/";

/** @param {import("../sdk/query.js").Question} question */
export function answer({ path, schedule }) {
    const role = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "";
    if (role === "" || role.includes("/")) throw new Error(`no such path: ${path}; ask roles/ROLE`);
    if (schedule === null) throw new Error("no schedule is in force");

    // A `Map`, as hostnames may be anything that an object treats specially.
    const nodes = new Map();
    for (const [host, node] of Object.entries(schedule.nodes)) {
        const placed = member(node.roles ?? {}, role);
        if (placed !== undefined) nodes.set(host, placed.instances ?? 1);
    }
    if (nodes.size === 0 && member(schedule.roles, role) === undefined) throw new Error(`no role ${role} in the schedule`);
    return { role, nodes };
}

/**
 * A member of the document itself, not what every object inherits.
 * @template T
 * @param {Record<string, T>} mapping
 * @param {string} key
 */
function member(mapping, key) {
    return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}
