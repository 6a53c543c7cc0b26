// A scheduler: what it is told, and how it is exported.

import { described, exchange } from "./exchange.js";
import { connectLog } from "./log.js";
import { Peers } from "./peers.js";
import { Schedule } from "./schedule.js";

/** One decision's input: the peers with their columns, and the document. */
export class Input extends Peers {
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

    /** The leader's hostname. @returns {string} */
    get currentHost() {
        return this.#document.current_host;
    }

    /** The leader's id: 32 hexadecimal digits. @returns {string} */
    get currentId() {
        return this.#document.current_id;
    }

    /** The manifest's `config`. @returns {Record<string, any>} */
    get config() {
        return this.#document.config ?? {};
    }

    /** The operators' metadata: `runtime/web.yaml` is the key `web`. Empty where it is not read. @returns {Record<string, any>} */
    get runtime() {
        return this.#document.runtime ?? {};
    }

    /** The operators' pending actions by id. Empty where they are not read. @returns {Record<string, any>} */
    get actions() {
        return this.#document.actions ?? {};
    }

    /** The schedules that this decision follows, in canonical form. Empty at first, and where they are not read. @returns {any[]} */
    get parents() {
        return this.#document.parents ?? [];
    }
}

/**
 * The exports of a scheduler.
 * @param {import("./exchange.js").About & { schedule: (input: Input) => Schedule }} plugin
 * @param {{ snapshot: import("./peers.js").Snapshot, log: import("./log.js").Sink }} host
 */
export function scheduler(plugin, host) {
    connectLog(host.log);
    return {
        scheduling: {
            schedule: exchange((/** @type {string} */ text) => plugin.schedule(new Input(JSON.parse(text), host.snapshot)).toAnswer()),
        },
        ...described("scheduler", plugin),
    };
}
