// The filters and their arguments.

import { pick } from "./pick.js";
import { slug } from "./slug.js";
import { truncate } from "./truncate.js";

/** @type {Record<string, import("../sdk/filter.js").Filter>} */
export const all = {
    slug: {
        takes: ["text"],
        apply: (args) => slug(args.text("text")),
    },
    truncate: {
        takes: ["text", "length", "end"],
        apply: (args) => {
            const text = args.text("text");
            const length = args.integer("length");
            if (length < 0) throw args.wrong("length", "a whole number of at least 0");
            return truncate(text, length, args.textOr("end", "…"));
        },
    },
    pick: {
        takes: ["value", "path", "default"],
        apply: (args) => pick(args.any("value"), args.text("path"), args.value("default")),
    },
};
