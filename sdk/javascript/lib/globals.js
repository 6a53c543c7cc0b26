// Import it first where the host calls, and nowhere else: `import "../sdk/globals.js"`. It gives `console`, whose lines go to the
// log, and takes away what a decision must not have. Without it the clock would end the call with a bare trap, and
// `Math.random` would give what was rolled when the plugin was built.

import { log } from "./log.js";

const noClock = () => {
    throw new Error("there is no clock in a plugin: use the document's `now`");
};

globalThis.Date = new Proxy(Date, {
    apply: noClock,
    construct: (target, args, self) => (args.length === 0 ? noClock() : Reflect.construct(target, args, self)),
});
Date.now = noClock;
globalThis.performance = /** @type {any} */ ({ now: noClock });

Math.random = () => {
    throw new Error("there is no randomness in a plugin: every node must come to the same decision");
};

const line = (/** @type {unknown[]} */ values) => values.map(String).join(" ");
globalThis.console = /** @type {Console} */ ({
    debug: (...values) => log.debug(line(values)),
    log: (...values) => log.info(line(values)),
    info: (...values) => log.info(line(values)),
    warn: (...values) => log.warn(line(values)),
    error: (...values) => log.error(line(values)),
});
