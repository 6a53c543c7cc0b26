import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { filters } from "../filter.js";
import { policy, Verdict } from "../policy.js";
import { query } from "../query.js";
import { Schedule } from "../schedule.js";
import { scheduler } from "../scheduler.js";
import { Stub } from "../peers.js";

const lines = [];
const host = { snapshot: new Stub({}, { hostnames: ["a"] }), log: { write: (level, text) => lines.push(`${level} ${text}`) } };
beforeEach(() => (lines.length = 0));

function thrownBy(call) {
    try {
        call();
    } catch (thrown) {
        return thrown;
    }
    assert.fail("it throws nothing");
}

test("a scheduler", () => {
    const about = { name: "x", version: "1", input: "columns", reads: ["runtime"] };
    const { scheduling, describe, checkConfig } = scheduler({ ...about, schedule: (input) => new Schedule(input).note(input.config.text) }, host);
    assert.equal(scheduling.schedule('{"v":1,"config":{"text":"hi"}}'), '{"v":1,"schedule":{"roles":{}},"log":"hi"}');
    assert.deepEqual(JSON.parse(describe()), { kind: "scheduler", ...about });
    assert.equal(checkConfig("{}"), undefined);
});

test("what is thrown becomes a text; a mistake of the author's is logged with its place", () => {
    const failing = (thrown) =>
        scheduler({ name: "x", version: "1", schedule: () => { throw thrown; } }, host).scheduling.schedule; // prettier-ignore
    assert.equal(thrownBy(() => failing(new Error("no\ud800"))("{}")), "no\ufffd");
    assert.equal(thrownBy(() => failing("text")("{}")), "text");
    assert.deepEqual(lines, []);
    assert.equal(thrownBy(() => failing(new TypeError("x is undefined"))("{}")), "TypeError: x is undefined");
    assert.match(lines[0], /^4 TypeError: x is undefined\n.*plugin\.test\.js/s);
});

test("check-config throws what the author threw", () => {
    const checkConfig = ({ key }) => { if (key !== 1) throw new Error("config: key must be 1"); }; // prettier-ignore
    const plugin = scheduler({ name: "x", version: "1", schedule: (input) => new Schedule(input), checkConfig }, host);
    assert.equal(plugin.checkConfig('{"key":1}'), undefined);
    assert.equal(thrownBy(() => plugin.checkConfig("{}")), "config: key must be 1");
});

test("a policy", () => {
    const review = ({ config }) => {
        const verdict = new Verdict().warn("w").note("n");
        for (let index = 0; index < config.reasons; index++) verdict.deny("é".repeat(501));
        return verdict;
    };
    const { reviewing } = policy({ name: "x", version: "1", review }, host);
    assert.equal(reviewing.review('{"config":{"reasons":0}}'), '{"log":"n","v":1,"verdict":"allow","warnings":["w"]}');
    const { verdict, reasons } = JSON.parse(reviewing.review('{"config":{"reasons":101}}'));
    assert.equal(verdict, "deny");
    assert.equal(reasons.length, 100);
    assert.equal(reasons[0], `${"é".repeat(499)}…`);
    assert.throws(() => new Verdict().deny(" \n"), { message: "a reason must say something" });
});

test("filters", () => {
    const all = { twice: { takes: ["text"], apply: (args) => args.text("text").repeat(2) }, nan: { takes: [], apply: () => NaN } };
    const { filtering } = filters({ name: "x", version: "1", filters: all }, host);
    assert.deepEqual(filtering.filters(), ["twice", "nan"]);
    assert.equal(filtering.apply("twice", '["a"]'), '"aa"');
    assert.equal(thrownBy(() => filtering.apply("twice", "[]")), "twice: argument 1 (`text`) is missing: expected a text");
    assert.equal(thrownBy(() => filtering.apply("nan", "[]")), "nan: the number NaN is not finite");
    assert.equal(thrownBy(() => filtering.apply("constructor", "[]")), "there is no filter `constructor`; this plugin has twice, nan");
});

test("a query plugin", () => {
    const { querying } = query({ name: "x", version: "1", query: ({ path }) => new Map([[path, null]]) }, host);
    assert.equal(querying.query('{"path":"p"}'), '{"p":null}');
    assert.equal(querying.renderRoles("{}"), "null");
});
