import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../sdk/testing.mjs";

const placed = (nodes) => ({
  nodes: Object.fromEntries(
    Object.entries(nodes).map(([host, roles]) => [host, { roles: Object.fromEntries(Object.entries(roles).map(([role, instances]) => [role, { instances }])) }]),
  ),
  roles: {},
});
const plugin = new Plugin("build/test.wasm");
const review = (config) =>
  plugin.review({
    config,
    schedule: placed({ a: { web: 3 }, b: { web: 1 } }),
    previous: placed({ a: { db: 1, web: 2 } }),
    diff: { added: { web: { a: 1, b: 1 } }, removed: { db: { a: 1 } }, moved: { web: 1 }, changed: {} },
  });

test("what keeps to the budget is allowed", () => {
  const verdict = review({ most: { web: 4, api: 0 }, protected: ["web", "never"] });
  assert.equal(verdict.verdict, "allow");
  assert.deepEqual(verdict.warnings, ["web: 1 moved"]);
  assert.equal(plugin.log.at(-1), "info allow");
});

test("too many instances are denied, and so is the end of a protected role", () => {
  assert.deepEqual(review({ most: { web: 3 } }).reasons, ["web: 4 instances, at most 3 may be"]);
  assert.deepEqual(review({ protected: ["db"] }).reasons, ["db: protected, and would be gone"]);
  assert.equal(plugin.log.at(-1), "info deny");
});

test("a configuration that will not do is told", () => {
  const fails = (message, config) => assert.throws(() => plugin.checkConfig(config), { message });
  fails("config: unknown key extra, expected most or protected", { mos: 1, extra: 2 });
  fails("config: most must be a mapping of roles to whole numbers", { most: { web: -1 }, protected: 1 });
  fails("config: protected must be a list of texts", { protected: ["db", 1] });
  plugin.checkConfig({});
});
