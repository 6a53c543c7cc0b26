import assert from "node:assert/strict";
import { test } from "node:test";

import { link } from "../link/link.js";
import { Bytes, functionTypesOfImports, withTraps } from "../link/module.js";

const section = (id, ...bytes) => [id, ...Bytes.encodeU32(bytes.flat(9).length), ...bytes.flat(9)];
const text = Bytes.encodeText;
const MODULE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

// (module (func (export "f") (result i32) i32.const 7))
const SEVEN = [
    ...MODULE,
    ...section(1, 1, 0x60, 0, 1, 0x7f),
    ...section(3, 1, 0),
    ...section(7, 1, text("f"), 0x00, 0),
    ...section(10, 1, 4, 0x00, 0x41, 7, 0x0b),
];
// (module (import "test:test/clock@0.2.0" "now" (func (result i64))) (import "verwalter:plugin/x@1.0.0" "g" (func)))
const USER = [
    ...MODULE,
    ...section(1, 2, 0x60, 0, 1, 0x7e, 0x60, 0, 0),
    ...section(2, 2, text("test:test/clock@0.2.0"), text("now"), 0x00, 0, text("verwalter:plugin/x@1.0.0"), text("g"), 0x00, 1),
];

test("a module gets functions that trap, and keeps its own", async () => {
    const module = withTraps(Uint8Array.from(SEVEN), new Map([["clock", Uint8Array.of(0x60, 0, 1, 0x7e)]]));
    const { instance } = await WebAssembly.instantiate(module);
    assert.equal(instance.exports.f(), 7);
    assert.throws(() => instance.exports.clock(), WebAssembly.RuntimeError);
});

test("types of what a module imports, whatever the version", () => {
    const types = functionTypesOfImports(Uint8Array.from(USER));
    assert.deepEqual([...types.keys()], ["test:test/clock#now", "verwalter:plugin/x#g"]);
    assert.deepEqual([...types.get("test:test/clock#now")], [0x60, 0, 1, 0x7e]);
});

// A component within another: it imports a clock and an interface of verwalter's, lowers a function of each, and instantiates USER.
const INNER = [
    ...COMPONENT,
    ...section(7, 1, 0x42, 2, 0x01, 0x40, 0, 0x00, 0x77, 0x04, 0x00, text("now"), 0x01, 0),
    ...section(10, 1, 0x00, text("test:test/clock@0.2.12"), 0x05, 0),
    ...section(7, 1, 0x42, 2, 0x01, 0x40, 0, 0x01, 0x00, 0x04, 0x00, text("g"), 0x01, 0),
    ...section(10, 1, 0x00, text("verwalter:plugin/x@1.0.0"), 0x05, 1),
    ...section(1, SEVEN),
    ...section(1, USER),
    ...section(2, 1, 0x00, 0, 0),
    ...section(6, 2, 0x01, 0x00, 0, text("now"), 0x01, 0x00, 1, text("g")),
    ...section(8, 2, 0x01, 0x00, 0, 0, 0x01, 0x00, 1, 0),
    ...section(11, 1, 0x00, text("init"), 0x01, 1, 0x00),
];

test("one component remains, which imports nothing but verwalter's and exports nothing of the tool's", () => {
    const linked = Buffer.from(link(Uint8Array.from([...COMPONENT, ...section(4, INNER)])));
    assert.deepEqual([...linked.subarray(0, 8)], COMPONENT);
    assert.ok(linked.includes("verwalter:plugin/x@1.0.0"));
    assert.ok(linked.includes("test:test/clock#now"), "the trap");
    assert.ok(!linked.includes("test:test/clock@0.2.12"), "the import");
    assert.ok(!linked.includes("init"));
});

test("what is no such component is refused", () => {
    assert.throws(() => link(Uint8Array.from(MODULE)), /it is no component/);
    assert.throws(() => link(Uint8Array.of()), /it is no component/);
    assert.throws(() => link(Uint8Array.from(COMPONENT)), /does not know this form/);
});
