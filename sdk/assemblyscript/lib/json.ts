// JSON values as they were written. A plugin that passes a value on passes on its very bytes, so that nothing is lost on the way: no digit
// of a number, no escape of a text.

import { Bytes } from "./bytes";
import { parseNumber } from "./number";
import { ascending } from "./order";
import { check, hex, skip, space } from "./scan";

/** What a value is. */
export enum Kind { Null, Bool, Number, Text, List, Mapping }

/** The largest whole number that every JSON reader keeps exactly: 2^53 - 1. */
export const MAX_WHOLE: i64 = 9007199254740991;

/** One JSON value: a part of a text that was checked. */
export class Json {
  private constructor(private source: ArrayBuffer, private from: usize, private to: usize) {}

  /** The JSON value that `text` is, or null where it is none. */
  static parse(text: string): Json | null {
    return Json.read(String.UTF8.encode(text));
  }

  /** The JSON value that the bytes are, or null where they are none. The value keeps them. */
  static read(source: ArrayBuffer): Json | null {
    const begin = changetype<usize>(source);
    const end = begin + source.byteLength;
    if (check(begin, end) != end) return null;
    const from = space(begin, end);
    return new Json(source, from - begin, skip(from, end) - begin);
  }

  /** What was written there, which is known to be JSON. */
  static of(bytes: Bytes): Json {
    const source = bytes.take();
    return new Json(source, 0, source.byteLength);
  }

  static ofText(text: string): Json {
    const bytes = new Bytes(text.length + 2);
    bytes.quoted(text);
    return Json.of(bytes);
  }

  /** A number, with the fewest digits that read back the same; JSON has none but finite ones, others become null. */
  static ofNumber(number: f64): Json {
    return Json.literal(isFinite(number) ? number.toString() : "null");
  }

  /** A whole number; the host refuses those beyond ±2^53. */
  static ofWhole(number: i64): Json {
    return Json.literal(number.toString());
  }

  static ofBool(value: bool): Json {
    return Json.literal(value ? "true" : "false");
  }

  static ofNull(): Json {
    return Json.literal("null");
  }

  static ofList(items: Json[]): Json {
    const bytes = new Bytes();
    bytes.push(0x5b);
    for (let at = 0; at < items.length; at++) {
      if (at > 0) bytes.push(0x2c);
      items[at].write(bytes);
    }
    bytes.push(0x5d);
    return Json.of(bytes);
  }

  private static literal(text: string): Json {
    const bytes = new Bytes(text.length);
    bytes.raw(text);
    return Json.of(bytes);
  }

  /** How many bytes were written. */
  get length(): i32 {
    return <i32>(this.to - this.from);
  }

  get kind(): Kind {
    switch (load<u8>(this.begin)) {
      case 0x6e: return Kind.Null;
      case 0x74:
      case 0x66: return Kind.Bool;
      case 0x22: return Kind.Text;
      case 0x5b: return Kind.List;
      case 0x7b: return Kind.Mapping;
      default: return Kind.Number;
    }
  }

  /** The text without quotes and escapes, or null where the value is no text. */
  text(): string | null {
    return this.kind == Kind.Text ? unescaped(this.begin + 1, this.end - 1) : null;
  }

  /** The text, or `otherwise` where the value is no text. */
  textOr(otherwise: string): string {
    const text = this.text();
    return text != null ? text : otherwise;
  }

  /** The number, infinite beyond the range of doubles; NaN, which JSON does not have, where the value is none. */
  number(): f64 {
    return this.kind == Kind.Number ? parseNumber(this.begin, this.end) : NaN;
  }

  /** The number where it is whole, however it is written, and lies within ±(2^53 - 1); otherwise `otherwise`. */
  whole(otherwise: i64): i64 {
    const number = this.number();
    return abs(number) <= <f64>MAX_WHOLE && trunc(number) == number ? <i64>number : otherwise;
  }

  /** Whether the value is `true`. */
  isTrue(): bool {
    return load<u8>(this.begin) == 0x74;
  }

  /** The items of a list, or null where the value is none. */
  list(): Json[] | null {
    if (this.kind != Kind.List) return null;
    const items: Json[] = [];
    let at = space(this.begin + 1, this.end);
    while (load<u8>(at) != 0x5d) {
      const end = skip(at, this.end);
      items.push(this.part(at, end));
      at = space(end, this.end);
      if (load<u8>(at) == 0x2c) at = space(at + 1, this.end);
    }
    return items;
  }

  /** The entries of a mapping, or null where the value is none. Of a key that stands twice the last value counts. */
  mapping(): Mapping | null {
    if (this.kind != Kind.Mapping) return null;
    const mapping = new Mapping();
    let at = space(this.begin + 1, this.end);
    while (load<u8>(at) != 0x7d) {
      const keyEnd = skip(at, this.end);
      const key = unescaped(at + 1, keyEnd - 1);
      const from = space(space(keyEnd, this.end) + 1, this.end);
      const end = skip(from, this.end);
      mapping.add(key, this.part(from, end));
      at = space(end, this.end);
      if (load<u8>(at) == 0x2c) at = space(at + 1, this.end);
    }
    mapping.arrange();
    return mapping;
  }

  /** Appends the value as it was written. */
  write(out: Bytes): void {
    out.copy(this.begin, this.to - this.from);
  }

  /** The value as it was written. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.begin, this.to - this.from);
  }

  private get begin(): usize {
    return changetype<usize>(this.source) + this.from;
  }

  private get end(): usize {
    return changetype<usize>(this.source) + this.to;
  }

  private part(from: usize, to: usize): Json {
    const begin = changetype<usize>(this.source);
    return new Json(this.source, from - begin, to - begin);
  }
}

/** A mapping's entries in ascending order (of bytes) of key, whatever the order was in the text; each key once. */
export class Mapping {
  keys: string[] = [];
  values: Json[] = [];

  /** The value of `key`, or null where there is no such key. O(log entries). */
  get(key: string): Json | null {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = ascending(this.keys[middle], key);
      if (order == 0) return this.values[middle];
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return null;
  }

  has(key: string): bool {
    return this.get(key) != null;
  }

  /** Appends an entry; `arrange` puts it into its place. */
  add(key: string, value: Json): void {
    this.keys.push(key);
    this.values.push(value);
  }

  /** Puts the entries into their order. The host writes them so, in which case this only looks. */
  arrange(): void {
    let arranged = true;
    for (let at = 1; at < this.keys.length && arranged; at++) arranged = ascending(this.keys[at - 1], this.keys[at]) < 0;
    if (arranged) return;
    const values = new Map<string, Json>();
    for (let at = 0; at < this.keys.length; at++) values.set(this.keys[at], this.values[at]);
    this.keys = values.keys().sort(ascending);
    this.values = [];
    for (let at = 0; at < this.keys.length; at++) this.values.push(values.get(this.keys[at]));
  }

  /** The entries as a JSON value. */
  json(): Json {
    const bytes = new Bytes();
    bytes.push(0x7b);
    this.write(bytes);
    bytes.push(0x7d);
    return Json.of(bytes);
  }

  /** Appends the entries without the braces. */
  write(out: Bytes): void {
    for (let at = 0; at < this.keys.length; at++) {
      if (at > 0) out.push(0x2c);
      out.quoted(this.keys[at]);
      out.push(0x3a);
      this.values[at].write(out);
    }
  }
}

/** The text between two quotes, in a text that was checked. */
function unescaped(at: usize, end: usize): string {
  let plain = at;
  while (plain < end && load<u8>(plain) != 0x5c) plain += 1;
  if (plain == end) return String.UTF8.decodeUnsafe(at, end - at);
  // An escape is never shorter than the bytes that it stands for.
  const bytes = new ArrayBuffer(<i32>(end - at));
  const begin = changetype<usize>(bytes);
  let to = begin;
  while (at < end) {
    const byte = load<u8>(at++);
    if (byte != 0x5c) {
      store<u8>(to++, byte);
      continue;
    }
    const escape = load<u8>(at++);
    switch (escape) {
      case 0x62: { store<u8>(to++, 0x08); break; }
      case 0x66: { store<u8>(to++, 0x0c); break; }
      case 0x6e: { store<u8>(to++, 0x0a); break; }
      case 0x72: { store<u8>(to++, 0x0d); break; }
      case 0x74: { store<u8>(to++, 0x09); break; }
      case 0x75: {
        let code = <u32>hex(at, end);
        at += 4;
        if ((code & 0xfc00) == 0xd800) {
          code = 0x10000 + ((code & 0x3ff) << 10 | hex(at + 2, end) & 0x3ff);
          at += 6;
        }
        to += String.UTF8.encodeUnsafe(changetype<usize>(String.fromCodePoint(code)), code > 0xffff ? 2 : 1, to);
        break;
      }
      default: store<u8>(to++, escape);
    }
  }
  return String.UTF8.decodeUnsafe(begin, to - begin);
}
