import { log } from "../sdk/log.js";

/**
 * The text if it has at most `length` characters; else its beginning and `end`, together so long. A character is a Unicode code
 * point: `text.length` would count UTF-16.
 * @param {string} text
 * @param {number} length
 * @param {string} end
 */
export function truncate(text, length, end) {
    const characters = [...text];
    if (characters.length <= length) return text;
    const ending = [...end].slice(0, length);
    log.debug(`truncate: ${characters.length - length} of ${characters.length} characters cut`);
    return characters.slice(0, length - ending.length).concat(ending).join("");
}
