import assert from "node:assert/strict";
import { test } from "node:test";
import { Plugin, PluginError } from "../testing.mjs";

const FILE = "build/sdk-test.wasm";
const plugin = new Plugin(FILE);
/** A filter's answer to arguments that stand in a JSON text. */
const raw = (name, args) => plugin.call("vw_apply", `{"name":"${name}","args":${args}}`);
const failsWith = (text, run) => assert.throws(run, (err) => err instanceof PluginError && err.message === text);

test("values are taken apart and put together again", () => {
  for (const value of [null, true, 0, "", [], {}, "Zürich 東京 🦀 \u0001\u001f\u007f\u2028\"\\/\b\f\n\r\t", [[], {}, [[1.5]]], { "": 1, "é": { "a b": [null] } }]) {
    assert.deepEqual(plugin.apply("again", value, 0), value);
  }
  assert.equal(raw("again", '[ { "b" : [ 1.50e+2 , 9007199254740993 ] , "\\u0061\\/" : -0.0 , "b\\ud83e\\udd80" : "\\u00fc" } , 0 ]'), '{"a/":-0.0,"b":[1.50e+2,9007199254740993],"b🦀":"ü"}');
  assert.equal(raw("again", '[{"a":1,"a":2},0]'), '{"a":2}');
});

test("numbers are read to the last bit", () => {
  const view = new DataView(new ArrayBuffer(8));
  const bits = (number) => {
    view.setFloat64(0, number);
    return `0x${view.getBigUint64(0).toString(16)}`;
  };
  const check = (text) => assert.equal(JSON.parse(raw("bits", `[${text}]`)), bits(Number(text)), text);
  for (const text of [
    "0", "-0", "-0.0e5", "1", "0.1", "123456789012345678", "1e22", "1e23", "8.5e22", "9007199254740993", "9007199254740993.0000000000000000000001", "5e-324",
    "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623159e308",
    "1e309", "1e999999999999", "1e-999999999999", "-2.1981996772402452e+39", "1.1594036965204212E45", "0.000000000000000000000000000000000000000000000000001",
    "0." + "0".repeat(400) + "1e401", "1" + "0".repeat(400) + "e-400", "0.5" + "0".repeat(800) + "1", "1." + "1".repeat(1000), "9".repeat(308), "9".repeat(1200),
  ]) check(text);
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  for (let round = 0; round < 2000; round++) {
    view.setUint32(0, next());
    view.setUint32(4, next());
    const number = view.getFloat64(0);
    if (Number.isFinite(number)) check(String(number));
    check(`${next()}${next()}e${(next() % 700) - 350}`);
  }
});

test("numbers are written so that they read back the same", () => {
  for (const number of [0, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -1e21, 123456789.125, 1e-7]) assert.equal(plugin.apply("number", number), number);
  assert.equal(raw("number", "[1e999]"), "null");
});

test("whole numbers", () => {
  for (const [text, whole] of [["1e2", 100], ["-3.0", -3], ["9007199254740991", 9007199254740991], ["9007199254740992", -7], ["0.5", -7], ["1e999", -7], ['"1"', -7], ["null", -7]]) {
    assert.equal(JSON.parse(raw("whole", `[${text}]`)), whole, text);
  }
});

test("what is no JSON is not read", () => {
  const bad = ["", " ", "nul", "truef", "[1,]", "[1 2]", '{"a":}', '{"a" 1}', '{"a":1,}', "{1:2}", "1 2", '"', '"\\x"', '"\\u12g4"', '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\n"', "]", "01", "+1", ".5", "1.", "1e", "-", "[".repeat(200)];
  for (const text of bad) assert.equal(plugin.apply("checks", text), false, text);
  for (const text of [" null ", "-0.5E+3", '"\\ud83e\\udd80"', '[{"a":[]}]', "[".repeat(100) + "]".repeat(100)]) assert.equal(plugin.apply("checks", text), true, text);
});

test("texts are in the order of their bytes", () => {
  const texts = ["", "A", "a", "a-b", "a.b", "a0", "é", "\ue000", "～", "🦀", "🦀a"];
  for (const [x, a] of texts.entries()) for (const [y, b] of texts.entries()) {
    assert.equal(Math.sign(plugin.apply("order", a, b)), Math.sign(x - y), `${a} ${b}`);
  }
});

test("characters are code points", () => {
  assert.equal(plugin.apply("first", "🦀é東", 2), "🦀é");
  assert.equal(plugin.apply("first", "🦀é東", 9), "🦀é東");
  assert.equal(plugin.apply("first", "abc", 0), "");
});

test("role names", () => {
  for (const name of ["web", "0-cache_x.y", "x".repeat(64)]) assert.ok(plugin.apply("role", name), name);
  for (const name of ["", "Web", ".web", "we b", "zürich", "x".repeat(65)]) assert.ok(!plugin.apply("role", name), name);
});

test("arguments", () => {
  assert.deepEqual(plugin.apply("args", "a", 3), ["a", 3, "…", "-"]);
  assert.deepEqual(plugin.apply("args", "a", { rest: null, end: ".", length: "3" }), ["a", 3, ".", null]);
  assert.match(raw("args", '["a","99999999999999999999"]'), /9223372036854775807/);
  for (const [text, ...given] of [
    ["takes at most 4 arguments (text, length, end, rest), got 5", 1, 2, 3, 4, 5],
    ["there is no argument `x`; it takes text, length, end, rest", "a", { x: 1 }],
    ["argument 1 (`text`) is given twice, by position and by name", "a", { text: 1 }],
    ["argument 1 (`text`) is missing: expected a text"],
    ["argument 2 (`length`) is missing: expected a whole number", "a"],
    ["argument 1 (`text`): expected a text, got a mapping of 1", { a: [1] }],
    ["argument 1 (`text`): expected a text, got a list of 2", [1, 2]],
    ["argument 1 (`text`): expected a text, got null", null],
    ['argument 2 (`length`): expected a whole number of at least 0, got the text "-1"', "a", "-1"],
    ["argument 2 (`length`): expected a whole number, got the number 1.5", "a", 1.5],
    [`argument 2 (\`length\`): expected a whole number, got the text "${"ü".repeat(40)}"…`, "a", "ü".repeat(41)],
  ]) failsWith(`args: ${text}`, () => plugin.apply("args", ...given));
});

test("a schedule", () => {
  assert.deepEqual(plugin.apply("schedule", ""), {
    v: 1,
    schedule: { roles: { idle: { a: 0.5, place: {} }, web: { template: "web/v1", place: { beta: 2 } } }, vars: { dc: "é" }, state: 7 },
    actions: { 1: true },
    why: { web: { beta: '2 "new"' } },
    changes: ["web moved"],
  });
  failsWith("schedule: Web is no role name", () => plugin.apply("schedule", "name"));
  failsWith("schedule: web.place is no variable", () => plugin.apply("schedule", "place"));
  failsWith("schedule: role web: there is no peer 2", () => plugin.apply("schedule", "peer"));
  failsWith("schedule: role web: 0 instances on beta, 1 to 1000000 may be", () => plugin.apply("schedule", "none"));
  failsWith("schedule: role web: 1000001 instances on beta, 1 to 1000000 may be", () => plugin.apply("schedule", "many"));
  failsWith("schedule: role web: beta is placed twice or out of order", () => plugin.apply("schedule", "twice"));
});

test("a verdict keeps to its bounds", () => {
  assert.deepEqual(plugin.apply("verdict", 0, ""), { v: 1, verdict: "allow", reasons: [], warnings: [] });
  const verdict = plugin.apply("verdict", 101, "too many");
  assert.deepEqual([verdict.verdict, verdict.reasons, verdict.warnings.length, verdict.warnings[0]], ["deny", ["too many"], 100, "ü".repeat(500)]);
  failsWith("verdict: a reason or warning without words", () => plugin.apply("verdict", 0, " \n"));
});

test("the host's columns, attributes and log", () => {
  const asks = new Plugin(FILE, { hostnames: ["alpha", "beta"], columns: { cpu: [5e-324, null] }, attributes: { rack: ["", "Zürich 1"] } });
  assert.deepEqual(asks.apply("host"), {
    hostnames: ["alpha", "beta"], racks: ["", "Zürich 1"], row: false, rps: false, cpu: "0x1", unsampled: true, absent: null,
  });
  assert.deepEqual(asks.log, ["warn asked 🦀"]);
  failsWith("host: no column cpu: declare it under metrics in the manifest", () => new Plugin(FILE).apply("host"));
});

test("a document with peers and metrics", () => {
  const peer = (hostname, addr, last_report_direct) => ({ id: "01", hostname, name: hostname, addr, known_since: 1, last_report_direct, machine: { rack: "r1" } });
  const answer = plugin.apply("input", {
    v: 1, now: 1700000000000, round: 2, term: 3, current_host: "a", current_id: "01", config: {}, runtime: { web: 1 }, newer: 1,
    parents: [{ nodes: { a: { roles: { web: { instances: 2 } } }, b: { roles: { web: { instances: 1 } } } }, roles: {} }],
    actions: { 7: "x" }, metrics: { cpu: [null, 5e-324] }, peers: { b: peer("b", null, null), a: peer("a", "192.0.2.1:1", 2) },
  }, 0);
  assert.deepEqual(answer, {
    hosts: ['a 192.0.2.1:1 1 2 {"rack":"r1"}', 'b  1 0 {"rack":"r1"}'], unsampled: true, rps: false,
    round: "1700000000000 2 3 a 01", runtime: { web: 1 }, action: "x", web: 3,
  });
});

test("what ends a call is logged with its place", () => {
  const asks = new Plugin(FILE);
  assert.throws(() => asks.apply("index", 9), WebAssembly.RuntimeError);
  assert.match(asks.log[0], /^error .*array\.ts:\d+:\d+: Index out of range$/);
});

test("an instance that is asked often does not grow", () => {
  const asks = new Plugin(FILE);
  const text = "x".repeat(10000);
  for (let call = 0; call < 10; call++) asks.apply("again", text, 0);
  const before = asks.memory.byteLength;
  for (let call = 0; call < 1000; call++) asks.apply("again", text, 0);
  assert.equal(asks.memory.byteLength, before);
});
