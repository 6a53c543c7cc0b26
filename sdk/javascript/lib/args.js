// The arguments of a filter. An error names the argument's position and name, what was expected and what came.

import { isMapping } from "./json.js";
import { compareTexts } from "./order.js";

/** So much of a text stands in an error. */
const SHOWN_CHARACTERS = 40;

/**
 * What a template passed: positional arguments, then named ones.
 *
 * Named arguments arrive as one object behind the positional ones. So an object counts as named arguments when it stands last and
 * not first; a filter that wants a mapping takes it as its first argument.
 */
export class Args {
    #names;
    #positional;
    /** @type {Record<string, any>} */
    #named;

    /**
     * @param {any[]} args the host's list
     * @param {string[]} names what the filter calls its arguments, in order of position
     * @throws {Error} when there are too many, one that the filter does not have, or one twice
     */
    constructor(args, names) {
        const last = args.at(-1);
        const hasNamed = args.length > 1 && isMapping(last);
        this.#names = names;
        this.#positional = hasNamed ? args.slice(0, -1) : args;
        this.#named = hasNamed ? last : {};

        const takes = names.join(", ");
        if (this.#positional.length > names.length) {
            throw new Error(`takes at most ${names.length} arguments (${takes}), got ${this.#positional.length}`);
        }
        for (const name of Object.keys(this.#named).sort(compareTexts)) {
            const index = names.indexOf(name);
            if (index < 0) throw new Error(`there is no argument \`${name}\`; it takes ${takes}`);
            if (index < this.#positional.length) throw new Error(`${this.#called(name)} is given twice, by position and by name`);
        }
    }

    /**
     * An argument, by position or by name; undefined where it is left out.
     * @param {string} name
     * @returns {any}
     */
    value(name) {
        const index = this.#names.indexOf(name);
        if (index < 0) throw new TypeError(`the filter has no argument ${name}: name it in its \`takes\``);
        if (index < this.#positional.length) return this.#positional[index];
        return Object.hasOwn(this.#named, name) ? this.#named[name] : undefined;
    }

    /**
     * An argument that must be there, whatever it is.
     * @param {string} name
     */
    any(name) {
        return this.#expect(name, "a value", () => true);
    }

    /**
     * An argument that must be a text.
     * @param {string} name
     * @returns {string}
     */
    text(name) {
        return this.#expect(name, "a text", (value) => typeof value === "string");
    }

    /**
     * An argument that must be a text where it is there.
     * @param {string} name
     * @param {string} fallback
     */
    textOr(name, fallback) {
        return this.value(name) === undefined ? fallback : this.text(name);
    }

    /**
     * An argument that must be a whole number, or a text of one: templates often have numbers as texts.
     * @param {string} name
     * @returns {number} exact up to 2^53
     */
    integer(name) {
        const value = this.#expect(name, "a whole number", (value) => Number.isInteger(value) || /^[+-]?[0-9]+$/.test(textOrEmpty(value)));
        return Number(value);
    }

    /**
     * An argument that must be a list.
     * @param {string} name
     * @returns {any[]}
     */
    list(name) {
        return this.#expect(name, "a list", Array.isArray);
    }

    /**
     * An argument that must be a mapping.
     * @param {string} name
     * @returns {Record<string, any>}
     */
    mapping(name) {
        return this.#expect(name, "a mapping", isMapping);
    }

    /**
     * The error that an argument is not what was expected.
     * @param {string} name
     * @param {string} expected
     */
    wrong(name, expected) {
        return new Error(`${this.#called(name)}: expected ${expected}, got ${shown(this.value(name))}`);
    }

    #expect(/** @type {string} */ name, /** @type {string} */ expected, /** @type {(value: any) => boolean} */ fits) {
        const value = this.value(name);
        if (value === undefined) throw new Error(`${this.#called(name)} is missing: expected ${expected}`);
        if (!fits(value)) throw this.wrong(name, expected);
        return value;
    }

    #called(/** @type {string} */ name) {
        return `argument ${this.#names.indexOf(name) + 1} (\`${name}\`)`;
    }
}

function textOrEmpty(/** @type {unknown} */ value) {
    return typeof value === "string" ? value : "";
}

/** A value in an error: its type, and its beginning where it is short. */
function shown(/** @type {any} */ value) {
    if (value === undefined) return "nothing";
    if (value === null || typeof value === "boolean") return String(value);
    if (typeof value === "number") return `the number ${value}`;
    if (Array.isArray(value)) return `a list of ${value.length}`;
    if (typeof value === "object") return `a mapping of ${Object.keys(value).length}`;
    const characters = [...value];
    const end = characters.length > SHOWN_CHARACTERS ? "…" : "";
    return `the text "${characters.slice(0, SHOWN_CHARACTERS).map(escaped).join("")}"${end}`;
}

function escaped(/** @type {string} */ character) {
    const short = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" }[character];
    if (short !== undefined) return short;
    const code = /** @type {number} */ (character.codePointAt(0));
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ? `\\u{${code.toString(16)}}` : character;
}
