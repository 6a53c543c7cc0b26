import assert from "node:assert/strict";
import { test } from "node:test";

import { Schedule } from "../schedule.js";

const answer = (schedule) => JSON.parse(schedule.toAnswer());
const empty = () => new Schedule({ hostnames: ["a", "b", "c"] });

test("everything that an answer has", () => {
    const schedule = empty().set("zone", "x").setOn(2, "rack", 7).setState({ seed: [1] });
    schedule.role("web").set("template", "web/v1").place(1, 2, { why: "free" }).place(0, 1, { vars: { port: 80 } });
    schedule.role("idle");
    schedule.answerAction("1", { ok: true }).change("web moved").note("one").note("two");
    assert.deepEqual(answer(schedule), {
        v: 1,
        schedule: {
            roles: { idle: { place: {} }, web: { template: "web/v1", place: { a: { port: 80, instances: 1 }, b: 2 } } },
            vars: { zone: "x" },
            nodes: { c: { vars: { rack: 7 } } },
            state: { seed: [1] },
        },
        actions: { 1: { ok: true } },
        why: { web: { b: "free" } },
        changes: ["web moved"],
        log: "one\ntwo",
    });
});

test("placements stand in the order of peers, roles by bytes; a second placement replaces the first", () => {
    const schedule = empty();
    schedule.role("9").place(2, 1, { why: "x" }).place(0).place(2, 5);
    schedule.role("10");
    assert.equal(schedule.toAnswer(), '{"v":1,"schedule":{"roles":{"10":{"place":{}},"9":{"place":{"a":1,"c":5}}}}}');
});

test("names that objects treat specially are variables like others", () => {
    const schedule = empty();
    schedule.role("web").set("__proto__", 1).set("constructor", 2);
    assert.match(schedule.toAnswer(), /"__proto__":1,"constructor":2/);
});

const refused = [
    [(s) => s.role("Web"), '"Web" is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes'],
    [(s) => s.role("web\n"), '"web\\n" is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes'],
    [(s) => s.role("web").place(3), "role web: there is no peer 3, the input has 3"],
    [(s) => s.role("web").place(-1), "role web: there is no peer -1, the input has 3"],
    [(s) => s.role("web").place(0.5), "role web: there is no peer 0.5, the input has 3"],
    [(s) => s.role("web").place(0, 0), "role web: instances must be a whole number from 1 to 1000000, not 0"],
    [(s) => s.role("web").place(0, 1_000_001), "role web: instances must be a whole number from 1 to 1000000, not 1000001"],
    [(s) => s.role("web").place(0, 1.5), "role web: instances must be a whole number from 1 to 1000000, not 1.5"],
    [(s) => s.role("web").set("place", {}), "the variable place is the contract's own: use place"],
    [(s) => s.role("web").place(0, 1, { vars: { instances: 2 } }), "the variable instances is the contract's own: use place"],
    [(s) => s.set("x", NaN), "the value of x: the number NaN is not finite"],
    [(s) => s.setOn(3, "x", 1), "a variable: there is no peer 3, the input has 3"],
];
for (const [make, message] of refused) {
    test(message, () => assert.throws(() => make(empty()), { message }));
}
