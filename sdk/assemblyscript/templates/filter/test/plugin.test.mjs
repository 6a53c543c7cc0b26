import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin } from "../sdk/testing.mjs";

const plugin = new Plugin("build/test.wasm");
const check = (expected, name, ...args) => assert.deepEqual(plugin.apply(name, ...args), expected);
const fails = (message, name, ...args) => assert.throws(() => plugin.apply(name, ...args), { message });

test("slug", () => {
  check("rack-7-row-b", "slug", "Rack 7, Row B");
  check("z-rich-nord-2", "slug", "Zürich – 東京 Nord 2");
  check("", "slug", "– 🦀 –");
  fails("slug: argument 1 (`text`): expected a text, got the number 7", "slug", 7);
});

test("truncate", () => {
  check("a lon…", "truncate", "a long text", 6);
  check("a long text", "truncate", "a long text", 11);
  check("🦀🦀🦀…", "truncate", "🦀🦀🦀é東", 4);
  check("..", "truncate", "a long text", 2, "....");
  check("abcd", "truncate", "abcdef", { length: "4", end: "" });
  assert.equal(plugin.log[0], "debug truncate: 5 of 11 characters cut");
  fails("truncate: argument 2 (`length`): expected a whole number of at least 0, got the number -1", "truncate", "abc", -1);
});

test("pick", () => {
  const value = { a: { b: [10, { c: 1.5 }] }, "": { "": 1 }, 0: "zero" };
  check(1.5, "pick", value, "a.b.1.c");
  check(1, "pick", value, ".");
  check("zero", "pick", value, "0");
  check(value, "pick", value, "");
  check(null, "pick", value, "0.0", { default: null });
  for (const path of ["a.b.2", "a.b.-1", "a.b.", "a.b.99999999999999999999"]) fails(`pick: nothing at \`${path}\``, "pick", value, path);
});

test("a filter that there is not", () => {
  fails("trim: there is no such filter", "trim", "x");
});
