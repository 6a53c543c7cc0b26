import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Args } from "../sdk/args.js";
import { connectLog } from "../sdk/log.js";
import { all } from "../src/filters.js";

const logged = [];
connectLog({ write: (level, text) => logged.push(`${level} ${text}`) });
beforeEach(() => (logged.length = 0));

function apply(name, ...args) {
    return all[name].apply(new Args(args, all[name].takes));
}

test("slug", () => {
    assert.equal(apply("slug", "  Hello, Wörld 42! "), "hello-w-rld-42");
    assert.equal(apply("slug", "\u212aelvin"), "elvin");
    assert.equal(apply("slug", "…"), "");
    assert.throws(() => apply("slug", 7), { message: "argument 1 (`text`): expected a text, got the number 7" });
});

test("truncate counts code points", () => {
    assert.equal(apply("truncate", "🦀🦀🦀", 3), "🦀🦀🦀");
    assert.deepEqual(logged, []);
    assert.equal(apply("truncate", "🦀🦀🦀", "2"), "🦀…");
    assert.equal(apply("truncate", "abcdef", { length: 4, end: "--" }), "ab--");
    assert.equal(apply("truncate", "abcdef", 1, "--"), "-");
    assert.equal(logged[0], "1 truncate: 1 of 3 characters cut");
});

test("truncate says what its length should be", () => {
    const got = (args) => ({ message: `argument 2 (\`length\`): expected ${args}` });
    assert.throws(() => apply("truncate", "abc", -1), got("a whole number of at least 0, got the number -1"));
    assert.throws(() => apply("truncate", "abc", 1.5), got("a whole number, got the number 1.5"));
    assert.throws(() => apply("truncate", "abc", "x"), got('a whole number, got the text "x"'));
});

test("pick", () => {
    const value = { a: [{ "": 0 }], 0: "zero", none: null };
    assert.equal(apply("pick", value, ""), value);
    assert.equal(apply("pick", value, "a.0."), 0);
    assert.equal(apply("pick", value, "0"), "zero");
    assert.equal(apply("pick", value, "none", 1), null);
    assert.equal(apply("pick", value, "a.1", null), null);
    assert.equal(apply("pick", value, "a.01.", { default: 7 }), 7);
    for (const path of ["a.x", "a.-1", "constructor", "none.x", "a.length"]) {
        assert.throws(() => apply("pick", value, path), { message: `nothing at \`${path}\`` });
    }
});
