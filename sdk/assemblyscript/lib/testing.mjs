// The host for unit tests under `node --test`: it loads a plugin, hands it documents and tells it columns, as verwalter would, without limits.

import { readFileSync } from "node:fs";

const LEVELS = ["trace", "debug", "info", "warn", "error"];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What a plugin answered as its error. */
export class PluginError extends Error {}

/** A plugin in a fresh instance. */
export class Plugin {
  /** What was logged: `LEVEL TEXT` each. */
  log = [];
  #exports;
  #host;

  /**
   * `file` is the plugin. `host` may have `hostnames` (texts, ascending), `columns` (name to numbers, null where there is no sample) and
   * `attributes` (name to texts), one value a peer each.
   */
  constructor(file, { hostnames = [], columns = {}, attributes = {} } = {}) {
    this.#host = { columns, attributes: { hostname: hostnames, ...attributes } };
    const module = new WebAssembly.Module(readFileSync(file));
    this.#exports = new WebAssembly.Instance(module, { verwalter: this.#imports() }).exports;
  }

  /** A scheduler's answer. What the input does not say is made up: the first round of a cluster. */
  schedule(input) {
    return JSON.parse(this.call("vw_schedule", { v: 1, now: 0, round: 1, term: 1, current_host: "", current_id: "", config: {}, runtime: {}, ...input }));
  }

  /** A policy's verdict. */
  review(input) {
    const diff = { added: {}, removed: {}, moved: {}, changed: {} };
    return JSON.parse(this.call("vw_review", { v: 1, now: 0, round: 2, term: 1, current_host: "", current_id: "", config: {}, previous: null, diff, ...input }));
  }

  /** What a filter gives. Named arguments are an object at the end. */
  apply(name, ...args) {
    return JSON.parse(this.call("vw_apply", { name, args }));
  }

  /** A query plugin's answer. */
  query(path, schedule = null) {
    return JSON.parse(this.call("vw_query", { v: 1, now: 0, path, method: "GET", query: {}, body: null, hostname: "", config: {}, schedule }));
  }

  /** Asks what the host asks before it activates the plugin. */
  checkConfig(config) {
    const text = this.call("vw_check_config", config);
    if (text !== "") throw new PluginError(text);
  }

  /** The text that an export answers to a document: a value, or JSON as it stands in a text. An error is thrown as `PluginError`. */
  call(name, document) {
    const argument = encoder.encode(typeof document === "string" ? document : JSON.stringify(document));
    const pointer = this.#exports.vw_alloc(argument.length) >>> 0;
    new Uint8Array(this.memory, pointer).set(argument);
    const packed = BigInt.asUintN(64, this.#exports[name](pointer, argument.length));
    const [start, length] = [Number(packed & 0xffffffffn), Number(packed >> 32n)];
    const status = new Uint8Array(this.memory)[start];
    const text = this.#text(start + 1, length - 1);
    this.#exports.vw_free(pointer, argument.length);
    this.#exports.vw_free(start, length);
    if (status === 0) return text;
    throw new PluginError(text);
  }

  /** The plugin's memory. */
  get memory() {
    return this.#exports.memory.buffer;
  }

  #text(pointer, length) {
    return decoder.decode(new Uint8Array(this.memory, pointer >>> 0, length));
  }

  #imports() {
    return {
      column: (name, length, out, capacity) => {
        const values = this.#host.columns[this.#text(name, length)];
        if (!values) return -1;
        const view = new DataView(this.memory);
        values.slice(0, capacity).forEach((value, at) => view.setFloat64(out + 8 * at, value ?? NaN, true));
        return values.length;
      },
      attribute: (name, length, out, capacity) => {
        const texts = this.#host.attributes[this.#text(name, length)]?.map((text) => encoder.encode(text));
        if (!texts) return -1;
        const needed = texts.reduce((sum, text) => sum + 4 + text.length, 0);
        if (needed > capacity) return needed;
        for (const text of texts) {
          new DataView(this.memory).setUint32(out, text.length, true);
          new Uint8Array(this.memory).set(text, out + 4);
          out += 4 + text.length;
        }
        return needed;
      },
      log: (level, pointer, length) => {
        this.log.push(`${LEVELS[Math.min(level, 4)]} ${this.#text(pointer, length)}`);
      },
    };
  }
}
