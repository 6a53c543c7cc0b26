// The peers of a round and what is measured of them, behind one API for both input modes: from the document where it has them,
// else from the host. Nothing is read before it is asked for.

import { isMapping } from "./json.js";
import { compareTexts } from "./order.js";

/**
 * The host's columns: `verwalter:plugin/snapshot`, or a `Stub`.
 * @typedef {object} Snapshot
 * @property {() => string[]} hostnames
 * @property {(name: string) => string[]} attribute
 * @property {() => string[]} metrics
 * @property {(metric: string) => ArrayLike<number> | null} column
 * @property {(metric: string, peer: number) => ArrayLike<number>} series
 */

/** Every list has one value a peer, in ascending order (of bytes) of hostname; a peer is a position in it. */
export class Peers {
    #document;
    #snapshot;
    /** @type {string[] | undefined} */
    #hostnames;
    /** @type {Map<string, string[]>} */
    #attributes = new Map();

    /**
     * @param {Record<string, any>} document
     * @param {Snapshot} snapshot
     */
    constructor(document, snapshot) {
        this.#document = document;
        this.#snapshot = snapshot;
    }

    /** All hostnames, ascending. */
    get hostnames() {
        // Hostnames are ASCII: UTF-16 and bytes give the same order.
        this.#hostnames ??= this.#rows === undefined ? this.#snapshot.hostnames() : Object.keys(this.#rows).sort();
        return this.#hostnames;
    }

    /** How many peers there are, the own node included. */
    get length() {
        return this.hostnames.length;
    }

    /**
     * The position of the peer called `hostname`, or -1. O(log n).
     * @param {string} hostname
     */
    position(hostname) {
        let low = 0;
        let high = this.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            const found = this.hostnames[middle];
            if (found === hostname) return middle;
            if (found < hostname) low = middle + 1;
            else high = middle;
        }
        return -1;
    }

    /**
     * `hostname`, `id`, `name`, `addr`, or a machine fact by its dotted path (`rack`, `disk.ssd`), one text a peer; "" where a peer
     * has none. Read once, then kept.
     * @param {string} name
     * @returns {string[]}
     */
    attribute(name) {
        let values = this.#attributes.get(name);
        if (values === undefined) {
            const rows = this.#rows;
            values = rows === undefined ? this.#snapshot.attribute(name) : this.hostnames.map((host) => attributeOf(host, rows[host], name));
            this.#attributes.set(name, checkLength(name, values, this.length));
        }
        return values;
    }

    /**
     * The column that the manifest's `metrics` declare as `name`: one number a peer in the unit of its rule, NaN where there is no
     * sample; null where nothing is declared.
     * @param {string} name
     * @returns {Float64Array | null}
     */
    column(name) {
        let values = this.#snapshotOrDocument(name);
        return values == null ? null : checkLength(name, Float64Array.from(values, (value) => value ?? NaN), this.length);
    }

    /**
     * Like `column`, for one that the plugin cannot do without.
     * @param {string} name
     */
    requiredColumn(name) {
        const column = this.column(name);
        if (column === null) throw new Error(`no column ${name}: declare it under metrics in the manifest`);
        return column;
    }

    /**
     * How many instances of `role` each peer has in the schedule in force. Where there is not exactly one (a new leader inherits
     * several), the most that any of the document's `parents` has; 0 where they are not read.
     * @param {string} role
     * @returns {Uint32Array}
     */
    placed(role) {
        const column = this.#rows === undefined ? this.column(`placed.${role}`) : null;
        if (column !== null) return Uint32Array.from(column);
        const placed = new Uint32Array(this.length);
        for (const parent of this.#document.parents ?? []) {
            for (const [host, node] of Object.entries(parent.nodes ?? {})) {
                const peer = this.position(host);
                const instances = Object.hasOwn(node.roles ?? {}, role) ? (node.roles[role].instances ?? 1) : 0;
                if (peer >= 0) placed[peer] = Math.max(placed[peer], instances);
            }
        }
        return placed;
    }

    /**
     * The last samples of one peer, oldest first, at most 30; empty for an unknown metric or peer.
     * @param {string} metric
     * @param {number} peer
     */
    series(metric, peer) {
        return Float64Array.from(this.#snapshot.series(metric, peer));
    }

    /** @returns {Record<string, any> | undefined} */
    get #rows() {
        return this.#document.peers;
    }

    #snapshotOrDocument(/** @type {string} */ name) {
        if (this.#rows === undefined) return this.#snapshot.column(name);
        const metrics = this.#document.metrics ?? {};
        return Object.hasOwn(metrics, name) ? metrics[name] : null;
    }
}

/**
 * Peers and columns for tests.
 * @implements {Snapshot}
 */
export class Stub {
    #columns;
    #attributes;

    /**
     * @param {Record<string, number[]>} columns by name, `placed.ROLE` among them; values in ascending order of hostname
     * @param {{ hostnames: string[] } & Record<string, string[]>} attributes `hostnames` and others
     */
    constructor(columns, attributes) {
        this.#columns = new Map(Object.entries(columns));
        this.#attributes = new Map(Object.entries(attributes));
    }

    hostnames() {
        return this.#attributes.get("hostnames") ?? [];
    }

    /** @param {string} name */
    attribute(name) {
        return this.#attributes.get(name === "hostname" ? "hostnames" : name) ?? this.hostnames().map(() => "");
    }

    metrics() {
        return [...this.#columns.keys()].sort(compareTexts);
    }

    /** @param {string} name */
    column(name) {
        return this.#columns.get(name) ?? null;
    }

    series() {
        return [];
    }
}

/** What stands in a peer's record itself. */
const OWN = new Set(["id", "name", "addr", "since", "schedule", "errors"]);

function attributeOf(/** @type {string} */ host, /** @type {any} */ row, /** @type {string} */ name) {
    if (name === "hostname") return host;
    let value = row;
    if (!OWN.has(name)) value = row.machine;
    for (const key of name.split(".")) value = isMapping(value) && Object.hasOwn(value, key) ? value[key] : null;
    return value === null || typeof value === "object" ? "" : String(value);
}

/**
 * @template {ArrayLike<unknown>} T
 * @param {string} name
 * @param {T} values
 * @param {number} peers
 */
function checkLength(name, values, peers) {
    if (values.length !== peers) throw new Error(`column ${name} has ${values.length} values for ${peers} peers`);
    return values;
}
