import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connectLog } from "../sdk/log.js";
import { Stub } from "../sdk/peers.js";
import { Input } from "../sdk/scheduler.js";
import { schedule } from "../src/schedule.js";

const HOSTNAMES = ["alpha", "beta", "gamma"];
const logged = [];
connectLog({ write: (level, text) => logged.push(`${level} ${text}`) });
beforeEach(() => (logged.length = 0));

function decide(document, columns) {
    const input = new Input(document, new Stub(columns, { hostnames: HOSTNAMES }));
    return JSON.parse(schedule(input).toAnswer());
}

test("places on the least busy, keeps what stands, says why", () => {
    const runtime = { web: { instances: 4, template: "web/v1", vars: { port: 8080 } } };
    assert.deepEqual(decide({ runtime }, { cpu: [0.5, 0.1, 0.3], "placed.web": [1, 1, 0] }), {
        v: 1,
        schedule: { roles: { web: { port: 8080, template: "web/v1", place: { alpha: 1, beta: 2, gamma: 1 } } } },
        why: { web: { alpha: "kept", beta: "1 kept, 1 new", gamma: "new" } },
    });
    assert.deepEqual(logged, ["2 web: 4 placed"]);
});

test("says what is missing", () => {
    const answer = decide({ runtime: { web: { instances: 2 } } }, { cpu: [0.95, NaN, 1] });
    assert.deepEqual(answer, { v: 1, schedule: { roles: { web: { place: {} } } } });
    assert.deepEqual(logged, ["3 web: 0 placed, 2 missing"]);
});

test("roles go by bytes, not by number", () => {
    decide({ runtime: { 10: { instances: 0 }, "1.x": { instances: 0 }, 9: { instances: 0 } } }, { cpu: [0, 0, 0] });
    assert.deepEqual(logged, ["2 1.x: 0 placed", "2 10: 0 placed", "2 9: 0 placed"]);
});

test("the column is needed as soon as there is a role", () => {
    const message = "no column cpu: declare it under metrics in the manifest";
    assert.throws(() => decide({ runtime: { web: { instances: 0 } } }, {}), { message });
    assert.deepEqual(decide({ runtime: {} }, {}), { v: 1, schedule: { roles: {} } });
});
