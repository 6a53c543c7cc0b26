import assert from "node:assert/strict";
import { test } from "node:test";

import { readRoles } from "../src/roles.js";

test("reads what is wanted", () => {
    assert.deepEqual(readRoles({ web: { instances: 2, owner: "us" }, api: { instances: 0, template: "api/v1", vars: { a: 1 } } }), [
        { name: "api", instances: 0, template: "api/v1", vars: { a: 1 } },
        { name: "web", instances: 2, template: undefined, vars: {} },
    ]);
});

const refused = [
    [{ Web: {} }, "runtime: Web is no role name"],
    [{ web: [] }, "runtime: web must be a mapping"],
    [{ web: {} }, "runtime: web.instances must be a whole number from 0 to 1000000"],
    [{ web: { instances: 1.5 } }, "runtime: web.instances must be a whole number from 0 to 1000000"],
    [{ web: { instances: 1, template: null } }, "runtime: web.template must be a text"],
    [{ web: { instances: 1, vars: null } }, "runtime: web.vars must be a mapping"],
    [{ web: { instances: 1, vars: { template: 1, place: 1 } } }, "runtime: web.vars.place is reserved"],
    [{ web: 7, api: 7 }, "runtime: api must be a mapping"],
];
for (const [runtime, message] of refused) {
    test(message, () => assert.throws(() => readRoles(runtime), { message }));
}
