import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../sdk/testing.mjs";

const FILE = "build/test.wasm";

/** Where `wanted` instances go: one number a peer. */
function spread(cpu, before, wanted, config = {}) {
  const hostnames = cpu.map((_, peer) => `n${peer}`);
  const plugin = new Plugin(FILE, { hostnames, columns: { cpu, "placed.web": before } });
  const { place } = plugin.schedule({ config, runtime: { web: { instances: wanted } } }).schedule.roles.web;
  return hostnames.map((host) => place[host] ?? 0);
}

test("the least busy peers get instances, evenly", () => {
  assert.deepEqual(spread([0.5, 0.1, 0.3], [0, 0, 0], 2), [0, 1, 1]);
  assert.deepEqual(spread([0.5, 0.1, 0.3], [0, 0, 0], 5), [1, 2, 2]);
});

test("what stands stays, and level by level the busiest loses first", () => {
  assert.deepEqual(spread([0.8, 0.1, 0.3], [1, 0, 1], 2), [1, 0, 1]);
  assert.deepEqual(spread([0.5, 0.1, 0.3], [1, 9, 4], 4), [1, 2, 1]);
});

test("ties go by position, also between zeros of either sign", () => {
  assert.deepEqual(spread([0, -0, 0], [0, 0, 0], 2), [1, 1, 0]);
});

test("too busy or without a sample, a peer gets none and keeps what it has", () => {
  assert.deepEqual(spread([null, 0.6, 0.95], [0, 0, 1], 3), [0, 2, 1]);
  assert.deepEqual(spread([0.1, 0.99, null], [1, 1, 1], 2), [1, 1, 0]);
  assert.deepEqual(spread([0.3, 0.6], [0, 0], 2, { max_busy: 0.5 }), [2, 0]);
});

test("an answer says why, and the log what is missing", () => {
  const plugin = new Plugin(FILE, { hostnames: ["alpha", "beta"], columns: { cpu: [0.5, 0.95], "placed.web": [1, 2] } });
  const answer = plugin.schedule({ runtime: { web: { instances: 4, template: "web/v1", vars: { port: 80 } }, idle: { instances: 0 } } });
  assert.deepEqual(answer.schedule.roles, { idle: { place: {} }, web: { port: 80, template: "web/v1", place: { alpha: 2, beta: 2 } } });
  assert.deepEqual(answer.why, { web: { alpha: "1 kept, 1 new", beta: "kept" } });
  assert.deepEqual(plugin.log, ["info idle: 0 placed", "info web: 4 placed"]);
  plugin.schedule({ config: { max_busy: 0.1 }, runtime: { web: { instances: 4 } } });
  assert.equal(plugin.log[2], "warn web: 3 placed, 1 missing");
});

test("what will not do is told", () => {
  const plugin = new Plugin(FILE);
  const fails = (message, input) => assert.throws(() => plugin.schedule(input), { message });
  fails("config: unknown key a, expected max_busy", { config: { max_busy: 2, b: 1, a: 1 } });
  fails("runtime: web.instances must be a whole number from 0 to 1000000", { runtime: { web: {} } });
  fails("runtime: web.vars.place is reserved", { runtime: { web: { instances: 1, vars: { template: 1, place: 1 } } } });
  fails("no column cpu: declare it under metrics in the manifest", { runtime: { web: { instances: 1 } } });
  assert.throws(() => plugin.checkConfig({ max_busy: "1" }), { message: "config: max_busy must be a number above 0 and at most 1" });
  plugin.checkConfig({ max_busy: 1 });
});
