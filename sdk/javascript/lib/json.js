// JSON as the host takes it. JSON.stringify would write NaN as null and leave out what it cannot write.

/** Integers beyond are not exact; the host refuses them. */
const LARGEST_INTEGER = 2 ** 53;

/**
 * The canonical JSON of a value: keys in order, so that the same value gives the same text. A `Map` of texts is a mapping too.
 * @param {unknown} value
 * @returns {string}
 * @throws {Error} that names the place of what the host would refuse: a number that is not finite or not exact, half a character,
 *     what is no JSON at all
 */
export function toJson(value) {
    if (typeof value === "string") return text(value, []);
    const parts = /** @type {string[]} */ ([]);
    write(value, [], parts);
    return parts.join("");
}

/**
 * Whether a value is what JSON calls an object: neither null nor a list.
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
export function isMapping(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function write(/** @type {unknown} */ value, /** @type {(string | number)[]} */ path, /** @type {string[]} */ out) {
    if (value === null || typeof value === "boolean") {
        out.push(String(value));
    } else if (typeof value === "string") {
        out.push(text(value, path));
    } else if (typeof value === "number") {
        if (!Number.isFinite(value)) throw refused(path, `the number ${value} is not finite`);
        if (Number.isInteger(value) && Math.abs(value) > LARGEST_INTEGER && Math.abs(value) < 1e21) {
            throw refused(path, `the integer ${value} is beyond 2^53`);
        }
        out.push(JSON.stringify(value));
    } else if (Array.isArray(value)) {
        out.push("[");
        for (let index = 0; index < value.length; index++) {
            if (index > 0) out.push(",");
            write(value[index], [...path, index], out);
        }
        out.push("]");
    } else if (value instanceof Map || isPlain(value)) {
        const entries = value instanceof Map ? [...value] : Object.entries(/** @type {object} */ (value));
        // By UTF-16, as canonical JSON has it.
        entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
        out.push("{");
        entries.forEach(([key, member], index) => {
            if (typeof key !== "string") throw refused(path, "a key is no text");
            if (index > 0) out.push(",");
            out.push(text(key, path), ":");
            write(member, [...path, key], out);
        });
        out.push("}");
    } else {
        throw refused(path, `${value === undefined ? "undefined" : `a ${nameOf(value)}`} is no JSON`);
    }
}

function text(/** @type {string} */ value, /** @type {(string | number)[]} */ path) {
    if (!value.isWellFormed()) throw refused(path, "a text has half of a surrogate pair");
    return JSON.stringify(value);
}

function isPlain(/** @type {unknown} */ value) {
    if (typeof value !== "object" || value === null) return false;
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || prototype === Object.prototype;
}

function nameOf(/** @type {any} */ value) {
    return typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
}

function refused(/** @type {(string | number)[]} */ path, /** @type {string} */ why) {
    return new Error(path.length === 0 ? why : `${path.join(".")}: ${why}`);
}
