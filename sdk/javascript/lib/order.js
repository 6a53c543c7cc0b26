// Orders that are the same in every language.

/**
 * Compares texts by the bytes of their UTF-8, as the contract does: `<` and `sort()` go by UTF-16, which differs beyond U+FFFF.
 * @param {string} a
 * @param {string} b
 * @returns {number} below 0, 0, or above 0
 */
export function compareTexts(a, b) {
    const length = Math.min(a.length, b.length);
    for (let index = 0; index < length; index++) {
        const left = a.charCodeAt(index);
        const right = b.charCodeAt(index);
        if (left !== right) return rank(left) - rank(right);
    }
    return a.length - b.length;
}

/**
 * The entries of a mapping, ascending by the bytes of their keys. JavaScript itself puts keys such as "10" first, by number.
 * @template T
 * @param {Record<string, T>} mapping
 * @returns {[string, T][]}
 */
export function sortedEntries(mapping) {
    return Object.entries(mapping).sort(([a], [b]) => compareTexts(a, b));
}

/** Half of a surrogate pair stands for a character above all others. */
function rank(/** @type {number} */ unit) {
    return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
