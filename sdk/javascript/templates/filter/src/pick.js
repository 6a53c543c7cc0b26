/**
 * The part of `value` at the dotted path: keys of mappings, positions in lists. The empty path is the value itself.
 * @param {any} value
 * @param {string} path
 * @param {any} fallback what to give where there is nothing; undefined makes that an error
 */
export function pick(value, path, fallback) {
    let part = value;
    for (const key of path === "" ? [] : path.split(".")) part = child(part, key);
    if (part !== undefined) return part;
    if (fallback !== undefined) return fallback;
    throw new Error(`nothing at \`${path}\``);
}

/** Undefined where there is none: JSON itself has no such value. */
function child(/** @type {any} */ parent, /** @type {string} */ key) {
    if (Array.isArray(parent)) return /^[0-9]+$/.test(key) ? parent[Number(key)] : undefined;
    // What every object inherits, such as `constructor`, is not in the document.
    return typeof parent === "object" && parent !== null && Object.hasOwn(parent, key) ? parent[key] : undefined;
}
