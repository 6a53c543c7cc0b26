import assert from "node:assert/strict";
import { test } from "node:test";

import { readConfig } from "../src/config.js";

test("the default, and what is given", () => {
    assert.deepEqual(readConfig({}), { maxBusy: 0.9 });
    assert.deepEqual(readConfig({ max_busy: 1 }), { maxBusy: 1 });
});

test("what is refused", () => {
    const message = "config: max_busy must be a number above 0 and at most 1";
    for (const max_busy of [0, -0.5, 1.1, "0.5", null]) assert.throws(() => readConfig({ max_busy }), { message });
    assert.throws(() => readConfig({ z: 1, "10": 1, max_busy: 7 }), { message: "config: unknown key 10, expected max_busy" });
});
