// Core modules as bytes: what link.js reads of them and adds to one.

const PREAMBLE_LENGTH = 8;
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 };
const UNREACHABLE_BODY = [0x03, 0x00, 0x00, 0x0b];
const VECTOR_TYPE = 0x64;

/** A reader of WebAssembly's binary format. */
export class Bytes {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }

    atEnd() {
        return this.at >= this.bytes.length;
    }

    byte() {
        if (this.atEnd()) throw new Error("the file ends early");
        return this.bytes[this.at++];
    }

    u32() {
        let value = 0;
        for (let factor = 1; ; factor *= 128) {
            const byte = this.byte();
            value += (byte & 0x7f) * factor;
            if (byte < 0x80) return value;
        }
    }

    /** @param {number} length */
    take(length) {
        if (this.at + length > this.bytes.length) throw new Error("the file ends early");
        this.at += length;
        return this.bytes.subarray(this.at - length, this.at);
    }

    text() {
        return Buffer.from(this.take(this.u32())).toString("utf8");
    }

    /** @param {number} start */
    since(start) {
        return this.bytes.subarray(start, this.at);
    }

    /** @param {number} value */
    static encodeU32(value) {
        const bytes = [];
        for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
        return [...bytes, value];
    }

    /** @param {string} text */
    static encodeText(text) {
        const bytes = Buffer.from(text, "utf8");
        return [...Bytes.encodeU32(bytes.length), ...bytes];
    }
}

/**
 * The functions that a module imports: INTERFACE#NAME, the interface without its version, to the bytes of the function's type.
 * @param {Uint8Array} module
 * @returns {Map<string, Uint8Array>}
 */
export function functionTypesOfImports(module) {
    /** @type {Uint8Array[]} */
    let types = [];
    const found = new Map();
    for (const { id, items } of sections(module)) {
        if (id === SECTION.type) types = functionTypes(items);
        if (id !== SECTION.import) continue;
        for (let left = items.u32(); left > 0; left--) {
            const key = `${items.text().replace(/@.*/, "")}#${items.text()}`;
            const index = importedFunction(items);
            if (index !== undefined) found.set(key, types[index]);
        }
    }
    return found;
}

/**
 * A module with one more exported function for each of `traps`, which ends the call.
 * @param {Uint8Array} module
 * @param {Map<string, Uint8Array>} traps name to type
 * @returns {Uint8Array}
 */
export function withTraps(module, traps) {
    const added = [...traps];
    let functions = 0;
    let types = 0;
    const parts = [module.subarray(0, PREAMBLE_LENGTH)];
    const done = new Set();
    for (const { id, items, body } of sections(module)) {
        if (id === SECTION.import) {
            const copy = new Bytes(body);
            for (let left = copy.u32(); left > 0; left--) {
                copy.text();
                copy.text();
                if (importedFunction(copy) !== undefined) functions++;
            }
        }
        const count = [SECTION.type, SECTION.function, SECTION.export, SECTION.code].includes(id) ? items.u32() : 0;
        if (id === SECTION.type) types = count;
        if (id === SECTION.function) functions += count;
        const more = (/** @type {number[][]} */ entries) => [...Bytes.encodeU32(count + entries.length), ...body.subarray(items.at), ...entries.flat()];
        let changed;
        if (id === SECTION.type) changed = more(added.map(([, type]) => [...type]));
        if (id === SECTION.function) changed = more(added.map((_, index) => Bytes.encodeU32(types + index)));
        if (id === SECTION.export) {
            changed = more(added.map(([name], index) => [...Bytes.encodeText(name), 0x00, ...Bytes.encodeU32(functions + index)]));
        }
        if (id === SECTION.code) changed = more(added.map(() => UNREACHABLE_BODY));
        if (changed !== undefined) done.add(id);
        const whole = changed ?? body;
        parts.push(Uint8Array.from([id, ...Bytes.encodeU32(whole.length)]), Uint8Array.from(whole));
    }
    if (done.size !== 4) throw new Error("the module that is instantiated first has no functions to add to");
    return new Uint8Array(Buffer.concat(parts));
}

function* sections(/** @type {Uint8Array} */ module) {
    const bytes = new Bytes(module.subarray(PREAMBLE_LENGTH));
    while (!bytes.atEnd()) {
        const id = bytes.byte();
        const body = bytes.take(bytes.u32());
        yield { id, body, items: new Bytes(body) };
    }
}

/** The types of a type section that has nothing but functions of numbers and references. */
function functionTypes(/** @type {Bytes} */ items) {
    const types = [];
    for (let left = items.u32(); left > 0; left--) {
        const start = items.at;
        if (items.byte() !== 0x60) throw new Error("a core module has a type that is no function's");
        for (let list = 0; list < 2; list++) {
            for (let values = items.u32(); values > 0; values--) {
                if (items.byte() <= VECTOR_TYPE) throw new Error("a core module has a function of typed references");
            }
        }
        types.push(items.since(start));
    }
    return types;
}

/** Reads what is imported behind its names: the type's index if it is a function. */
function importedFunction(/** @type {Bytes} */ items) {
    const kind = items.byte();
    if (kind === 0x00) return items.u32();
    if (kind === 0x01) items.byte();
    if (kind === 0x03) items.take(2);
    else limits(items);
    return undefined;
}

function limits(/** @type {Bytes} */ items) {
    const flags = items.byte();
    items.u32();
    if (flags & 1) items.u32();
}
