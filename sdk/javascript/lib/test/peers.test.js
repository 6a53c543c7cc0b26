import assert from "node:assert/strict";
import { test } from "node:test";

import { compareTexts, sortedEntries } from "../order.js";
import { Peers, Stub } from "../peers.js";

const columns = new Peers({}, new Stub({ cpu: [0.5, NaN, 0], "placed.web": [1, 0, 2] }, { hostnames: ["a", "b", "c"], rack: ["r1", "", "r2"] }));
const rows = new Peers(
    {
        peers: { c: { id: "03", addr: null, machine: { rack: "r2", disk: { ssd: true } } }, a: { id: "01", machine: { rack: 1 } }, b: { id: "02", machine: {} } },
        metrics: { cpu: [0.5, null, 0] },
        parents: [
            { nodes: { a: { roles: { web: { instances: 1 } } }, gone: { roles: { web: { instances: 9 } } } } },
            { nodes: { a: { roles: {} }, c: { roles: { web: {} } } } },
        ],
    },
    new Stub({}, { hostnames: [] }),
);

for (const [name, peers] of Object.entries({ columns, rows })) {
    test(`${name}: peers, columns, attributes`, () => {
        assert.deepEqual(peers.hostnames, ["a", "b", "c"]);
        assert.equal(peers.position("c"), 2);
        assert.equal(peers.position("bb"), -1);
        assert.deepEqual(peers.column("cpu"), Float64Array.of(0.5, NaN, 0));
        assert.equal(peers.column("constructor"), null);
        assert.throws(() => peers.requiredColumn("load"), { message: "no column load: declare it under metrics in the manifest" });
        assert.deepEqual(peers.attribute("hostname"), ["a", "b", "c"]);
    });
}

test("what stands where", () => {
    assert.deepEqual(columns.placed("web"), Uint32Array.of(1, 0, 2));
    assert.deepEqual(columns.placed("api"), Uint32Array.of(0, 0, 0));
    assert.deepEqual(rows.placed("web"), Uint32Array.of(1, 0, 1));
});

test("attributes as texts", () => {
    assert.deepEqual(rows.attribute("rack"), ["1", "", "r2"]);
    assert.deepEqual(rows.attribute("disk.ssd"), ["", "", "true"]);
    assert.deepEqual(rows.attribute("disk"), ["", "", ""]);
    assert.deepEqual(rows.attribute("addr"), ["", "", ""]);
    assert.deepEqual(rows.attribute("id"), ["01", "02", "03"]);
    assert.deepEqual(columns.attribute("rack"), ["r1", "", "r2"]);
});

test("a column of another length is an error", () => {
    const wrong = new Peers({}, new Stub({ cpu: [1] }, { hostnames: ["a", "b"] }));
    assert.throws(() => wrong.column("cpu"), { message: "column cpu has 1 values for 2 peers" });
});

test("texts go by their bytes", () => {
    const texts = ["\u{1f980}", "\uffee", "é", "b", "aa", "a", "10", "9", ""];
    assert.deepEqual([...texts].sort(compareTexts), texts.toReversed().sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    assert.deepEqual(sortedEntries({ 9: 1, b: 2, 10: 3 }), [["10", 3], ["9", 1], ["b", 2]]);
});
