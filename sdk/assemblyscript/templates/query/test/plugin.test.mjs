import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../sdk/testing.mjs";

const plugin = new Plugin("build/test.wasm");
const schedule = {
  nodes: { b: { roles: { web: { instances: 1 } } }, a: { roles: { web: { instances: 2 } } } },
  roles: { idle: {}, web: {} },
};
const fails = (message, ...args) => assert.throws(() => plugin.query(...args), { message });

test("where a role runs", () => {
  assert.deepEqual(plugin.query("roles/web", schedule), { role: "web", nodes: { a: 2, b: 1 } });
  assert.deepEqual(plugin.query("roles/idle", schedule), { role: "idle", nodes: {} });
});

test("what there is not is told", () => {
  fails("no role db in the schedule", "roles/db", schedule);
  fails("no schedule is in force", "roles/web");
  for (const path of ["", "nodes/a", "roles/", "roles/web/x"]) fails(`no such path: ${path}; ask roles/ROLE`, path, schedule);
});

test("what the nodes render stays the schedule's choice", () => {
  assert.equal(plugin.call("vw_render_roles", { v: 1, hostname: "a", schedule }), "null");
});
