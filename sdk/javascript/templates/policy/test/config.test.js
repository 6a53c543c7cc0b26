import assert from "node:assert/strict";
import { test } from "node:test";

import { readConfig } from "../src/config.js";

test("reads what is there", () => {
    assert.deepEqual(readConfig({}), { most: [], protectedRoles: [] });
    assert.deepEqual(readConfig({ most: { web: 2, api: 0 }, protected: ["web"] }), {
        most: [
            ["api", 0],
            ["web", 2],
        ],
        protectedRoles: ["web"],
    });
});

const MOST = "config: most must be a mapping of roles to whole numbers";
const PROTECTED = "config: protected must be a list of texts";
const refused = [
    [{ z: 1, a: 1 }, "config: unknown key a, expected most or protected"],
    [{ most: [] }, MOST],
    [{ most: null }, MOST],
    [{ most: { web: -1 } }, MOST],
    [{ most: { web: 0.5 } }, MOST],
    [{ most: { web: "1" }, protected: 1 }, MOST],
    [{ protected: {} }, PROTECTED],
    [{ protected: [1] }, PROTECTED],
];
for (const [config, message] of refused) {
    test(`${JSON.stringify(config)} is refused`, () => assert.throws(() => readConfig(config), { message }));
}
