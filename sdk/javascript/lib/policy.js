// A policy: what it reviews, its verdict, and how it is exported.

import { described, exchange } from "./exchange.js";
import { toJson } from "./json.js";
import { connectLog } from "./log.js";
import { Peers } from "./peers.js";

/** The host takes so many reasons, and so many warnings; each so long. */
const MOST_LINES = 100;
const MOST_CHARACTERS = 500;

/** What a policy reviews: a schedule that the host admitted, before it comes into force. */
export class Review extends Peers {
    #document;

    /**
     * @param {Record<string, any>} document
     * @param {import("./peers.js").Snapshot} snapshot
     */
    constructor(document, snapshot) {
        super(document, snapshot);
        this.#document = document;
    }

    /** The round's time, in milliseconds since the Unix epoch: the only clock. @returns {number} */
    get now() {
        return this.#document.now;
    }

    /** The number of this decision within the term, from 1. @returns {number} */
    get round() {
        return this.#document.round;
    }

    /** The number of the leadership, from 1. @returns {number} */
    get term() {
        return this.#document.term;
    }

    /** The policy's own `config`. @returns {Record<string, any>} */
    get config() {
        return this.#document.config ?? {};
    }

    /** The schedule in question, in canonical form. @returns {CanonicalSchedule} */
    get schedule() {
        return this.#document.schedule;
    }

    /** The one in force; null before the first. @returns {CanonicalSchedule | null} */
    get previous() {
        return this.#document.previous ?? null;
    }

    /** What changes from `previous` to `schedule`. @returns {Diff} */
    get diff() {
        return this.#document.diff;
    }

    /** The operators' metadata. Empty where it is not read. @returns {Record<string, any>} */
    get runtime() {
        return this.#document.runtime ?? {};
    }
}

/**
 * @typedef {{ nodes: Record<string, { roles?: Record<string, { instances?: number }>, vars?: object }>,
 *     roles: Record<string, object>, vars?: object, state?: unknown }} CanonicalSchedule
 * @typedef {{ added: Record<string, Record<string, number>>, removed: Record<string, Record<string, number>>,
 *     moved: Record<string, number>, changed: Record<string, string[]> }} Diff
 */

/**
 * The instances of each role on all nodes together; roles without any are left out.
 * @param {CanonicalSchedule | null} schedule
 * @returns {Map<string, number>}
 */
export function instancesByRole(schedule) {
    const sums = new Map();
    for (const node of Object.values(schedule?.nodes ?? {})) {
        for (const [role, { instances = 1 }] of Object.entries(node.roles ?? {})) sums.set(role, (sums.get(role) ?? 0) + instances);
    }
    return sums;
}

/** A verdict that is being made: it allows until there is a reason to deny. */
export class Verdict {
    /** @type {string[]} */
    #reasons = [];
    /** @type {string[]} */
    #warnings = [];
    /** @type {string[]} */
    #notes = [];

    /**
     * Denies, and says why. The first 100 reasons are told, of each the first 500 characters.
     * @param {string} reason
     */
    deny(reason) {
        tell(this.#reasons, reason, "a reason");
        return this;
    }

    /**
     * Says what a person should know, whatever the verdict; as many and as long as reasons.
     * @param {string} warning
     */
    warn(warning) {
        tell(this.#warnings, warning, "a warning");
        return this;
    }

    /**
     * Adds a line to the text for the author, which the host shows beside the verdict.
     * @param {string} line
     */
    note(line) {
        this.#notes.push(line);
        return this;
    }

    /** Whether nothing was said against it. */
    get allows() {
        return this.#reasons.length === 0;
    }

    /** The policy's answer. */
    toAnswer() {
        /** @type {Record<string, unknown>} */
        const answer = { v: 1, verdict: this.allows ? "allow" : "deny" };
        if (this.#reasons.length > 0) answer.reasons = this.#reasons;
        if (this.#warnings.length > 0) answer.warnings = this.#warnings;
        if (this.#notes.length > 0) answer.log = this.#notes.join("\n");
        return toJson(answer);
    }
}

/**
 * The exports of a policy.
 * @param {import("./exchange.js").About & { review: (review: Review) => Verdict }} plugin
 * @param {{ snapshot: import("./peers.js").Snapshot, log: import("./log.js").Sink }} host
 */
export function policy(plugin, host) {
    connectLog(host.log);
    return {
        reviewing: {
            review: exchange((/** @type {string} */ text) => plugin.review(new Review(JSON.parse(text), host.snapshot)).toAnswer()),
        },
        ...described("policy", plugin),
    };
}

function tell(/** @type {string[]} */ lines, /** @type {string} */ line, /** @type {string} */ what) {
    if (line.trim() === "") throw new Error(`${what} must say something`);
    if (lines.length === MOST_LINES) return;
    const characters = [...line.toWellFormed()];
    lines.push(characters.length <= MOST_CHARACTERS ? characters.join("") : `${characters.slice(0, MOST_CHARACTERS - 1).join("")}…`);
}
