import assert from "node:assert/strict";
import { test } from "node:test";

import { toJson } from "../json.js";

const written = [
    [null, "null"],
    [-0, "0"],
    [1e21, "1e+21"],
    [2 ** 53, "9007199254740992"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    ["Zürich 🦀\u0001\"", '"Zürich 🦀\\u0001\\""'],
    [[1, [], {}], "[1,[],{}]"],
    [{ b: 1, a: { 10: 1, 9: 2 } }, '{"a":{"10":1,"9":2},"b":1}'],
    [JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
    [new Map([["b", 1], ["a", 2]]), '{"a":2,"b":1}'],
];
for (const [value, text] of written) test(text, () => assert.equal(toJson(value), text));

const refused = [
    [Infinity, "the number Infinity is not finite"],
    [{ a: [0, NaN] }, "a.1: the number NaN is not finite"],
    [2 ** 53 + 2, "the integer 9007199254740994 is beyond 2^53"],
    ["\ud800", "a text has half of a surrogate pair"],
    [{ "\udc00": 1 }, "a text has half of a surrogate pair"],
    [{ a: undefined }, "a: undefined is no JSON"],
    [[() => 1], "0: a function is no JSON"],
    [1n, "a bigint is no JSON"],
    [{ at: new Date(0) }, "at: a Date is no JSON"],
    [new Map([[1, 1]]), "a key is no text"],
];
for (const [value, message] of refused) test(message, () => assert.throws(() => toJson(value), { message }));
