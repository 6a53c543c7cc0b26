import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connectLog } from "../sdk/log.js";
import { Stub } from "../sdk/peers.js";
import { Review } from "../sdk/policy.js";
import { review } from "../src/review.js";

const logged = [];
connectLog({ write: (level, text) => logged.push(`${level} ${text}`) });
beforeEach(() => (logged.length = 0));

/** A schedule from `{HOST: {ROLE: instances}}`. */
function placed(nodes) {
    const roles = (placed) => Object.fromEntries(Object.entries(placed).map(([role, instances]) => [role, { instances }]));
    return { nodes: Object.fromEntries(Object.entries(nodes).map(([host, placed]) => [host, { roles: roles(placed) }])), roles: {} };
}

function verdict({ config = {}, schedule, previous = null, moved = {} }) {
    const document = { config, schedule: placed(schedule), previous: previous && placed(previous), diff: { moved } };
    return JSON.parse(review(new Review(document, new Stub({}, { hostnames: [] }))).toAnswer());
}

test("allows what keeps to the budget", () => {
    assert.deepEqual(verdict({ config: { most: { web: 3 } }, schedule: { a: { web: 2 }, b: { web: 1 } } }), { v: 1, verdict: "allow" });
    assert.deepEqual(logged, ["2 allow"]);
});

test("denies too many, ascending by role", () => {
    const answer = verdict({ config: { most: { 9: 0, 10: 0 } }, schedule: { a: { 9: 1, 10: 1 }, b: { 10: 1 } } });
    assert.deepEqual(answer.reasons, ["10: 2 instances, at most 0 may be", "9: 1 instances, at most 0 may be"]);
    assert.deepEqual(logged, ["2 deny"]);
});

test("denies what would be gone, in the list's order", () => {
    const config = { protected: ["web", "never", "api"] };
    const answer = verdict({ config, schedule: { a: {} }, previous: { a: { web: 1, api: 2 } } });
    assert.deepEqual(answer.reasons, ["web: protected, and would be gone", "api: protected, and would be gone"]);
    assert.equal(verdict({ config, schedule: { a: {} } }).verdict, "allow");
});

test("warns of moves, whatever the verdict", () => {
    assert.deepEqual(verdict({ schedule: {}, moved: { web: 2, api: 1 } }), {
        v: 1,
        verdict: "allow",
        warnings: ["api: 1 moved", "web: 2 moved"],
    });
});
