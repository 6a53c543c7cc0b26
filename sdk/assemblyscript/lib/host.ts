// What a plugin may ask of the host during a call: a metric's column, an attribute of all peers, a line in the log. Only what a plugin
// calls becomes an import of its module.

import { fail } from "./failure";

// @ts-ignore: decorator
@external("verwalter", "column")
declare function readColumn(name: usize, nameLength: usize, out: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("verwalter", "attribute")
declare function readAttribute(name: usize, nameLength: usize, out: usize, capacity: usize): i32;
// @ts-ignore: decorator
@external("verwalter", "log")
declare function writeLog(level: i32, text: usize, length: usize): void;

/** How important a line of the log is. */
export enum Level { Trace, Debug, Info, Warn, Error }

/** Logs one line for people. Lines count against the manifest's `log` limit. */
export function log(level: Level, text: string): void {
  const bytes = String.UTF8.encode(text);
  writeLog(level, changetype<usize>(bytes), bytes.byteLength);
}

/** The hostnames of all peers in ascending order. A peer is its position in this list everywhere else. */
export function hostnames(): string[] {
  const names = attribute("hostname");
  if (names != null) return names;
  fail("the host tells no hostnames");
  return [];
}

/**
 * One text a peer: `hostname`, `id`, `name`, `addr` or a machine fact by its dotted path, such as `disk.ssd`. A peer without it, or
 * with a list or mapping there, has "". Null where the host knows no such attribute.
 */
export function attribute(name: string): string[] | null {
  const key = String.UTF8.encode(name);
  const needed = readAttribute(changetype<usize>(key), key.byteLength, 0, 0);
  if (needed < 0) return null;
  const bytes = new ArrayBuffer(needed);
  const start = changetype<usize>(bytes);
  if (readAttribute(changetype<usize>(key), key.byteLength, start, needed) != needed) {
    return fail<string[]>(`attribute ${name} changed while it was read`);
  }
  const texts: string[] = [];
  let at: usize = 0;
  while (at + 4 <= <usize>needed) {
    const length = <usize>load<u32>(start + at);
    at += 4;
    if (length > <usize>needed - at) break;
    texts.push(String.UTF8.decodeUnsafe(start + at, length));
    at += length;
  }
  return at == <usize>needed ? texts : fail<string[]>(`attribute ${name} is cut short`);
}

/**
 * One number a peer in the unit of the manifest's rule, NaN where there is no sample; or null where the manifest declares no such metric.
 * `placed.ROLE` tells how many instances of ROLE each peer has in the schedule in force; null when there is not exactly one parent.
 */
export function column(name: string): StaticArray<f64> | null {
  const key = String.UTF8.encode(name);
  const length = readColumn(changetype<usize>(key), key.byteLength, 0, 0);
  if (length < 0) return null;
  const values = new StaticArray<f64>(length);
  if (readColumn(changetype<usize>(key), key.byteLength, changetype<usize>(values), length) != length) {
    return fail<StaticArray<f64>>(`column ${name} changed while it was read`);
  }
  return values;
}

/** A column without which there is no decision: where there is none, the call has failed. */
export function requiredColumn(name: string): StaticArray<f64> {
  const values = column(name);
  if (values != null) return values;
  fail(`no column ${name}: declare it under metrics in the manifest`);
  return [];
}
