/**
 * A text for names and paths: ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the
 * beginning or the end.
 * @param {string} text
 */
export function slug(text) {
    const words = text.match(/[A-Za-z0-9]+/g) ?? [];
    return words.join("-").toLowerCase();
}
