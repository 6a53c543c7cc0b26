import assert from "node:assert/strict";
import { test } from "node:test";

import { answer } from "../src/answer.js";

const schedule = {
    nodes: { a: { roles: { web: { instances: 2 } } }, b: { roles: { web: { instances: 1 }, api: { instances: 1 } } }, c: { vars: {} } },
    roles: { web: {}, idle: {} },
};

test("where a role stands", () => {
    const { role, nodes } = answer({ path: "roles/web", schedule });
    assert.equal(role, "web");
    assert.deepEqual([...nodes], [["a", 2], ["b", 1]]);
    assert.equal(answer({ path: "roles/idle", schedule }).nodes.size, 0);
});

const refused = [
    ["", "no such path: ; ask roles/ROLE"],
    ["roles/", "no such path: roles/; ask roles/ROLE"],
    ["roles/web/x", "no such path: roles/web/x; ask roles/ROLE"],
    ["nodes/a", "no such path: nodes/a; ask roles/ROLE"],
    ["roles/constructor", "no role constructor in the schedule"],
];
for (const [path, message] of refused) {
    test(message, () => assert.throws(() => answer({ path, schedule }), { message }));
}

test("without a schedule the path is looked at first", () => {
    assert.throws(() => answer({ path: "x", schedule: null }), { message: "no such path: x; ask roles/ROLE" });
    assert.throws(() => answer({ path: "roles/web", schedule: null }), { message: "no schedule is in force" });
});
