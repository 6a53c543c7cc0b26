// Builds a schedule that the host cannot refuse for its form: names are checked, peers are those of the input, instances are whole
// and not 0, values are JSON. It decides nothing.

import { toJson } from "./json.js";
import { compareTexts } from "./order.js";

/** The most instances of one role on one node. */
export const MAX_INSTANCES = 1_000_000;

const ROLE_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;

/**
 * Whether `name` may name a role: `[a-z0-9][a-z0-9_.-]*`, 1 to 64 bytes.
 * @param {string} name
 */
export function isRoleName(name) {
    return ROLE_NAME.test(name);
}

/** A schedule that is being made, and what is said about it. */
export class Schedule {
    #hostnames;
    /** @type {Map<string, Role>} */
    #roles = new Map();
    #vars = new Variables();
    /** @type {Map<string, Variables>} */
    #nodes = new Map();
    /** @type {string | undefined} */
    #state;
    /** @type {Map<string, string>} */
    #actions = new Map();
    /** @type {string[]} */
    #changes = [];
    /** @type {string[]} */
    #notes = [];

    /** @param {{ hostnames: string[] }} input whose peers it is for */
    constructor(input) {
        this.#hostnames = input.hostnames;
    }

    /**
     * The role `name`, new or begun before. A role without placements is in the schedule too.
     * @param {string} name
     */
    role(name) {
        let role = this.#roles.get(name);
        if (role === undefined) {
            if (!isRoleName(name)) throw new Error(`${JSON.stringify(name)} is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes`);
            role = new Role(name, this.#hostnames);
            this.#roles.set(name, role);
        }
        return role;
    }

    /**
     * Sets a variable of every role on every node: the most general level.
     * @param {string} key
     * @param {unknown} value
     */
    set(key, value) {
        this.#vars.set(key, value);
        return this;
    }

    /**
     * Sets a variable of every role on one peer: more specific than a role's, less than a placement's.
     * @param {number} peer
     * @param {string} key
     * @param {unknown} value
     */
    setOn(peer, key, value) {
        const host = hostOf(peer, this.#hostnames, "a variable");
        const vars = this.#nodes.get(host) ?? new Variables();
        vars.set(key, value);
        this.#nodes.set(host, vars);
        return this;
    }

    /**
     * Keeps something for the next decision, which finds it in its parent. It is part of the schedule: when it changes, a new
     * schedule comes into force.
     * @param {unknown} value
     */
    setState(value) {
        this.#state = toJson(value);
        return this;
    }

    /**
     * Answers the operators' action `id`: what is answered is no longer pending.
     * @param {string} id
     * @param {unknown} value
     */
    answerAction(id, value) {
        this.#actions.set(id, toJson(value));
        return this;
    }

    /**
     * Adds a line about what changed, for people; outside the schedule's digest.
     * @param {string} line
     */
    change(line) {
        this.#changes.push(line);
        return this;
    }

    /**
     * Adds a line to the text for the author, which the host shows beside the decision.
     * @param {string} line
     */
    note(line) {
        this.#notes.push(line);
        return this;
    }

    /** The scheduler's answer. */
    toAnswer() {
        const roles = [...this.#roles].sort(([a], [b]) => compareTexts(a, b));
        const schedule = [member("roles", object(roles.map(([name, role]) => member(name, role.toText()))))];
        if (this.#vars.size > 0) schedule.push(member("vars", this.#vars.toText()));
        if (this.#nodes.size > 0) {
            const nodes = [...this.#nodes].map(([host, vars]) => [host, `{"vars":${vars.toText()}}`]);
            schedule.push(member("nodes", byHost(new Map(nodes))));
        }
        if (this.#state !== undefined) schedule.push(member("state", this.#state));

        const answer = [`"v":1`, member("schedule", object(schedule))];
        if (this.#actions.size > 0) answer.push(member("actions", object([...this.#actions].map(([id, value]) => member(id, value)))));
        const why = roles.filter(([, role]) => role.hasReasons).map(([name, role]) => member(name, role.reasonsToText()));
        if (why.length > 0) answer.push(member("why", object(why)));
        if (this.#changes.length > 0) answer.push(member("changes", toJson(this.#changes)));
        if (this.#notes.length > 0) answer.push(member("log", toJson(this.#notes.join("\n"))));
        return object(answer);
    }
}

/** One role of a schedule that is being made. Maps go by hostname: QuickJS is slow with thousands of numbers as keys. */
export class Role {
    #name;
    #hostnames;
    #vars = new Variables("place");
    /** @type {Map<string, string>} */
    #places = new Map();
    /** @type {Map<string, string>} */
    #reasons = new Map();

    /**
     * @param {string} name
     * @param {string[]} hostnames
     */
    constructor(name, hostnames) {
        this.#name = name;
        this.#hostnames = hostnames;
    }

    /**
     * Sets a variable of this role on every node. `template`, written `ROLE/VERSION`, names what the nodes render.
     * @param {string} key
     * @param {unknown} value
     */
    set(key, value) {
        this.#vars.set(key, value);
        return this;
    }

    /**
     * Places instances on a peer. A second call for the same peer replaces the first.
     * @param {number} peer its position among the input's hostnames
     * @param {number} [instances] 1 to `MAX_INSTANCES`
     * @param {object} [more]
     * @param {Record<string, unknown>} [more.vars] variables of this role on this node: the most specific level
     * @param {string} [more.why] why it stands there: a short text for people, outside the schedule's digest
     */
    place(peer, instances = 1, { vars, why } = {}) {
        const host = hostOf(peer, this.#hostnames, `role ${this.#name}`);
        if (!Number.isInteger(instances) || instances < 1 || instances > MAX_INSTANCES) {
            throw new Error(`role ${this.#name}: instances must be a whole number from 1 to ${MAX_INSTANCES}, not ${instances}`);
        }
        if (vars === undefined) {
            this.#places.set(host, String(instances));
        } else {
            const own = new Variables("instances");
            for (const [key, value] of Object.entries(vars)) own.set(key, value);
            this.#places.set(host, own.toText(member("instances", String(instances))));
        }
        if (why === undefined) this.#reasons.delete(host);
        else this.#reasons.set(host, toJson(why));
        return this;
    }

    get hasReasons() {
        return this.#reasons.size > 0;
    }

    toText() {
        return this.#vars.toText(member("place", byHost(this.#places)));
    }

    reasonsToText() {
        return byHost(this.#reasons);
    }
}

/** Variables as JSON texts. A `Map`: as an object's member `__proto__` would vanish, and "10" come before "9". */
class Variables {
    #reserved;
    /** @type {Map<string, string>} */
    #texts = new Map();

    /** @param {string} [reserved] the name that the contract keeps for itself */
    constructor(reserved) {
        this.#reserved = reserved;
    }

    get size() {
        return this.#texts.size;
    }

    set(/** @type {string} */ key, /** @type {unknown} */ value) {
        if (key === this.#reserved) throw new Error(`the variable ${key} is the contract's own: use place`);
        try {
            toJson(key);
            this.#texts.set(key, toJson(value));
        } catch (refused) {
            throw new Error(`the value of ${key}: ${/** @type {Error} */ (refused).message}`);
        }
    }

    toText(/** @type {string[]} */ ...more) {
        return object([...[...this.#texts].map(([key, text]) => member(key, text)), ...more]);
    }
}

function hostOf(/** @type {number} */ peer, /** @type {string[]} */ hostnames, /** @type {string} */ what) {
    if (!Number.isInteger(peer) || peer < 0 || peer >= hostnames.length) {
        throw new Error(`${what}: there is no peer ${peer}, the input has ${hostnames.length}`);
    }
    return hostnames[peer];
}

/** Hostnames are ASCII and need no escapes; `sort` without a function of its own does not call back for each pair. */
function byHost(/** @type {Map<string, string>} */ texts) {
    return object(Array.from([...texts.keys()].sort(), (host) => `"${host}":${texts.get(host)}`));
}

function member(/** @type {string} */ key, /** @type {string} */ text) {
    return `${JSON.stringify(key)}:${text}`;
}

function object(/** @type {string[]} */ members) {
    return `{${members.join(",")}}`;
}
