import assert from "node:assert/strict";
import { test } from "node:test";

import { Args } from "../args.js";

const args = (...given) => new Args(given, ["list", "separator"]);

test("by position and by name", () => {
    assert.deepEqual(args([1], "-").list("list"), [1]);
    assert.equal(args([], "-").text("separator"), "-");
    assert.equal(args([], { separator: "-" }).text("separator"), "-");
    assert.equal(args([], {}).textOr("separator", ", "), ", ");
    assert.deepEqual(args({ a: 1 }).mapping("list"), { a: 1 });
    assert.equal(args("x", "+07").integer("separator"), 7);
    assert.equal(args().value("separator"), undefined);
});

const refused = [
    [() => args().list("list"), "argument 1 (`list`) is missing: expected a list"],
    [() => args({ a: 1 }).list("list"), "argument 1 (`list`): expected a list, got a mapping of 1"],
    [() => args("x").list("list"), 'argument 1 (`list`): expected a list, got the text "x"'],
    [() => args([], 1.5).text("separator"), "argument 2 (`separator`): expected a text, got the number 1.5"],
    [() => args([], null).textOr("separator", ""), "argument 2 (`separator`): expected a text, got null"],
    [() => args([], [1, 2]).integer("separator"), "argument 2 (`separator`): expected a whole number, got a list of 2"],
    [() => args([], "1e3").integer("separator"), 'argument 2 (`separator`): expected a whole number, got the text "1e3"'],
    [() => args("é".repeat(50)).list("list"), `argument 1 (\`list\`): expected a list, got the text "${"é".repeat(40)}"…`],
    [() => args('a"\\\n\u0001').list("list"), 'argument 1 (`list`): expected a list, got the text "a\\"\\\\\\n\\u{1}"'],
    [() => args([], { sep: "-" }), "there is no argument `sep`; it takes list, separator"],
    [() => args([], "-", { separator: "-" }), "argument 2 (`separator`) is given twice, by position and by name"],
    [() => args([], "-", 3), "takes at most 2 arguments (list, separator), got 3"],
];
for (const [read, message] of refused) test(message, () => assert.throws(read, { message }));
