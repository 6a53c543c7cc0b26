// Makes one component of what componentize-qjs writes: `node sdk/link/link.js IN OUT`.
//
// componentize-qjs puts its component into others which stand in for WASI. verwalter refuses components that call each other:
// what the engine copies between them is not metered. So the innermost component, which has all of the code, is taken out, and
// whatever it imports beside verwalter's interfaces is replaced by functions that trap, in the same component. Every definition is
// replaced by one in its place, so that no index changes.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Bytes, functionTypesOfImports, withTraps } from "./module.js";

const SECTION = { module: 1, coreInstance: 2, component: 4, instance: 5, alias: 6, type: 7, canon: 8, import: 10, export: 11 };
const SORT = { core: 0, func: 1, type: 3, instance: 5 };
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

const KEPT = "verwalter:";
/** What componentize-qjs itself called, when it evaluated the plugin's modules. */
const DONE = "init";
const EMPTY_INSTANCE_TYPE = [0x42, 0x00];
const EMPTY_INSTANCE = [0x01, 0x00];
const RESOURCE_TYPE = [0x3f, 0x7f, 0x00];

/**
 * The one component in a file of nested ones, without imports other than verwalter's.
 * @param {Uint8Array} file
 * @returns {Uint8Array}
 */
export function link(file) {
    const component = innermost(file);
    const outline = survey(component);
    /** @type {Map<string, Uint8Array>} trap's name to the type of its core function */
    const traps = new Map();
    for (const name of outline.lowered.values()) {
        const type = outline.coreTypes.get(name);
        if (type === undefined) throw unexpected(`no core module imports ${name}`);
        traps.set(name, type);
    }

    const out = new Sections();
    let modules = 0;
    let types = 0;
    let instances = 0;
    let canons = 0;
    for (const { id, body } of sections(component)) {
        const items = new Bytes(body);
        switch (id) {
            case SECTION.module:
                out.whole(id, modules++ === outline.first ? withTraps(body, traps) : body);
                break;
            case SECTION.type: {
                const count = items.u32();
                // A wasi interface's type may name types that are gone.
                const dropped = outline.droppedTypes.has(types);
                if (dropped && count !== 1) throw unexpected("an interface's type is not alone in its section");
                if (dropped) out.item(id, EMPTY_INSTANCE_TYPE);
                else out.whole(id, body);
                types += count;
                break;
            }
            case SECTION.import:
                for (const { name, sort, bytes } of imports(items)) {
                    if (sort === SORT.type) types++;
                    if (sort !== SORT.instance) out.item(id, bytes);
                    else if (outline.dropped.has(instances++)) out.item(SECTION.instance, EMPTY_INSTANCE);
                    else out.item(id, bytes);
                    if (sort !== SORT.instance && !name.startsWith(KEPT)) throw unexpected(`it imports ${name}`);
                }
                break;
            case SECTION.alias:
                for (const { sort, instance, bytes } of aliases(items)) {
                    const dropped = instance !== undefined && outline.dropped.has(instance);
                    if (sort === SORT.type) types++;
                    if (sort === SORT.instance) instances++;
                    if (!dropped) out.item(id, bytes);
                    else if (sort === SORT.type) out.item(SECTION.type, RESOURCE_TYPE);
                    else if (sort === SORT.func) out.item(id, outline.anyFunction);
                    else throw unexpected(`an alias of sort ${sort} of what is gone`);
                }
                break;
            case SECTION.canon:
                for (const { bytes } of canonicals(items)) {
                    const trap = outline.lowered.get(canons++);
                    if (trap === undefined) out.item(id, bytes);
                    else out.item(SECTION.alias, coreExport(trap));
                }
                break;
            case SECTION.instance:
                instances += items.u32();
                out.whole(id, body);
                break;
            case SECTION.export:
                for (const { name, sort, bytes } of exports(items)) {
                    if (sort === SORT.type) types++;
                    if (sort === SORT.instance) instances++;
                    if (sort === SORT.func && name === DONE) out.item(SECTION.alias, outline.anyFunction);
                    else out.item(id, bytes);
                }
                break;
            default:
                out.whole(id, body);
        }
    }
    return out.component();
}

/** The component that has the code: the largest at each level, down to the one with core modules of its own. */
function innermost(/** @type {Uint8Array} */ file) {
    let component = file;
    for (;;) {
        if (!PREAMBLE.every((byte, index) => component[index] === byte)) throw unexpected("it is no component");
        const all = [...sections(component)];
        const nested = all.filter(({ id }) => id === SECTION.component).map(({ body }) => body);
        const code = all.filter(({ id }) => id === SECTION.module).reduce((sum, { body }) => sum + body.length, 0);
        const largest = nested.reduce((most, body) => (body.length > most.length ? body : most), new Uint8Array());
        if (code >= largest.length) return component;
        component = largest;
    }
}

/** What is to be dropped, and what is needed for it. */
function survey(/** @type {Uint8Array} */ component) {
    const dropped = new Map(); // instances: index to the interface's name without its version
    const droppedTypes = new Set();
    const functions = new Map(); // functions of dropped instances: index to INTERFACE#NAME
    const lowered = new Map(); // lowerings of these: number of the canonical function to INTERFACE#NAME
    const coreTypes = new Map();
    let anyFunction;
    let first;
    let counts = { func: 0, instance: 0, canon: 0 };
    for (const { id, body } of sections(component)) {
        const items = new Bytes(body);
        if (id === SECTION.module) {
            for (const [name, type] of functionTypesOfImports(body)) coreTypes.set(name, type);
        } else if (id === SECTION.coreInstance && first === undefined) {
            // Its first core instance is there before anything is lowered: that one gets the traps.
            items.u32();
            if (items.byte() !== 0x00) throw unexpected("its first core instance is none of a module");
            first = items.u32();
        } else if (id === SECTION.import) {
            for (const { name, sort, index } of imports(items)) {
                if (sort === SORT.func) counts.func++;
                if (sort !== SORT.instance) continue;
                if (!name.startsWith(KEPT)) {
                    dropped.set(counts.instance, name.replace(/@.*/, ""));
                    droppedTypes.add(index);
                }
                counts.instance++;
            }
        } else if (id === SECTION.alias) {
            for (const { sort, instance, name, bytes } of aliases(items)) {
                if (sort === SORT.instance) counts.instance++;
                if (sort !== SORT.func) continue;
                if (dropped.has(instance)) functions.set(counts.func, `${dropped.get(instance)}#${name}`);
                else anyFunction ??= bytes;
                counts.func++;
            }
        } else if (id === SECTION.canon) {
            for (const { lowers, lifts } of canonicals(items)) {
                if (functions.has(lowers)) {
                    if (first === undefined) throw unexpected("it lowers before it instantiates");
                    lowered.set(counts.canon, functions.get(lowers));
                }
                if (lifts) counts.func++;
                counts.canon++;
            }
        } else if (id === SECTION.instance) {
            counts.instance += items.u32();
        } else if (id === SECTION.export) {
            for (const { sort } of exports(items)) {
                if (sort === SORT.func) counts.func++;
                if (sort === SORT.instance) counts.instance++;
            }
        }
    }
    if (first === undefined || anyFunction === undefined) throw unexpected("it has no instance or uses none of verwalter's functions");
    return { dropped, droppedTypes, lowered, coreTypes, anyFunction, first };
}

/** The sections of a component, in order. */
function* sections(/** @type {Uint8Array} */ component) {
    const bytes = new Bytes(component.subarray(PREAMBLE.length));
    while (!bytes.atEnd()) {
        const id = bytes.byte();
        yield { id, body: bytes.take(bytes.u32()) };
    }
}

function* imports(/** @type {Bytes} */ items) {
    for (let left = items.u32(); left > 0; left--) {
        const start = items.at;
        const name = externName(items);
        const sort = items.byte();
        if (sort === SORT.core) items.byte();
        if (sort === SORT.type && items.byte() === 0x01) yield { name, sort, index: undefined, bytes: items.since(start) };
        else yield { name, sort, index: items.u32(), bytes: items.since(start) };
    }
}

function* exports(/** @type {Bytes} */ items) {
    for (let left = items.u32(); left > 0; left--) {
        const start = items.at;
        const name = externName(items);
        const sort = items.byte();
        if (sort === SORT.core) items.byte();
        items.u32();
        if (items.byte() === 0x01) throw unexpected("an export with a type of its own");
        yield { name, sort, bytes: items.since(start) };
    }
}

function* aliases(/** @type {Bytes} */ items) {
    for (let left = items.u32(); left > 0; left--) {
        const start = items.at;
        const sort = items.byte();
        if (sort === SORT.core) items.byte();
        const target = items.byte();
        const index = items.u32();
        const name = target === 0x02 ? void items.u32() : items.text();
        yield { sort, name, instance: target === 0x00 ? index : undefined, bytes: items.since(start) };
    }
}

function* canonicals(/** @type {Bytes} */ items) {
    for (let left = items.u32(); left > 0; left--) {
        const start = items.at;
        const kind = items.byte();
        let lowers;
        if (kind === 0x00 || kind === 0x01) {
            items.byte();
            const index = items.u32();
            if (kind === 0x01) lowers = index;
            for (let options = items.u32(); options > 0; options--) {
                // Those from 3 to 5 name a memory or a function.
                const option = items.byte();
                if (option >= 3 && option <= 5) items.u32();
                else if (option > 5) throw unexpected(`the canonical option ${option}: build with --sync`);
            }
            if (kind === 0x00) items.u32();
        } else if (kind >= 0x02 && kind <= 0x04) {
            items.u32();
        } else {
            throw unexpected(`the canonical function ${kind}: build with --sync`);
        }
        yield { lowers, lifts: kind === 0x00, bytes: items.since(start) };
    }
}

function externName(/** @type {Bytes} */ items) {
    if (items.byte() > 0x01) throw unexpected("a name with a suffix");
    return items.text();
}

/** The alias of an export of the first core instance. */
function coreExport(/** @type {string} */ name) {
    return [SORT.core, 0x00, 0x01, 0x00, ...Bytes.encodeText(name)];
}

/** A component that is being written. Items go into sections of their own, which is valid and short enough. */
class Sections {
    /** @type {Uint8Array[]} */
    #parts = [Uint8Array.from(PREAMBLE)];

    whole(/** @type {number} */ id, /** @type {ArrayLike<number>} */ body) {
        this.#parts.push(Uint8Array.from([id, ...Bytes.encodeU32(body.length)]), Uint8Array.from(body));
    }

    item(/** @type {number} */ id, /** @type {ArrayLike<number>} */ bytes) {
        this.whole(id, [1, ...Array.from(bytes)]);
    }

    component() {
        return new Uint8Array(Buffer.concat(this.#parts));
    }
}

function unexpected(/** @type {string} */ what) {
    return new Error(`link.js does not know this form of component: ${what}. package.json names the componentize-qjs that it was made for`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const [from, to] = process.argv.slice(2);
    if (to === undefined) {
        console.error("usage: node sdk/link/link.js IN OUT");
        process.exit(2);
    }
    writeFileSync(to, link(readFileSync(from)));
}
