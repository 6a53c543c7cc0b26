import assert from "node:assert/strict";
import { test } from "node:test";

import { rank, spread } from "../src/decide.js";

test("ranks by sample, share, position", () => {
    assert.deepEqual(rank(Float64Array.of(0.5, NaN, 0.1, 0.5, -0, 0)), [4, 5, 2, 0, 3, 1]);
});

const cases = [
    { name: "the first in the ranking get it", wanted: 2, before: [0, 0, 0], after: [1, 0, 1] },
    { name: "what stands stays", wanted: 3, before: [0, 3, 0], after: [0, 3, 0] },
    { name: "the rest goes to those with fewest", wanted: 5, before: [0, 2, 0], after: [1, 2, 2] },
    { name: "many levels at once", wanted: 1_000_000, before: [0, 0, 7], after: [333_333, 333_333, 333_334] },
    { name: "the most lose first, the last in the ranking first", wanted: 4, before: [2, 3, 3], after: [1, 1, 2] },
    { name: "down to nothing", wanted: 0, before: [2, 0, 5], after: [0, 0, 0] },
];
for (const { name, wanted, before, after } of cases) {
    test(name, () => assert.deepEqual([...spread(wanted, Uint32Array.from(before), [2, 0, 1], () => true)], after));
}

test("peers that may not get more keep what they have", () => {
    assert.deepEqual([...spread(9, Uint32Array.of(2, 1), [0, 1], (peer) => peer === 1)], [2, 7]);
    assert.deepEqual([...spread(9, Uint32Array.of(2, 1), [0, 1], () => false)], [2, 1]);
});
