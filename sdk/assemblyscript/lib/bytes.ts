// A growing text in UTF-8: what answers are written to.

const HEX = memory.data<u8>([0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66]);
const REPLACEMENT: u32 = 0xfffd;

/** Bytes that are being written, one after the other. */
export class Bytes {
  private buffer: ArrayBuffer;
  private used: usize = 0;

  constructor(capacity: i32 = 256) {
    this.buffer = new ArrayBuffer(capacity);
  }

  get length(): i32 {
    return <i32>this.used;
  }

  /** Appends one byte. */
  push(byte: u32): void {
    store<u8>(this.reserve(1), byte);
    this.used += 1;
  }

  /** Appends `length` bytes of memory. */
  copy(from: usize, length: usize): void {
    memory.copy(this.reserve(length), from, length);
    this.used += length;
  }

  /** Appends a text as it is, for JSON's punctuation, numbers and the like. */
  raw(text: string): void {
    for (let at = 0; at < text.length; at++) this.push(text.charCodeAt(at));
  }

  /** Appends a text in quotes, with JSON's escapes. Half a surrogate pair, which no text of the host has, becomes U+FFFD. */
  quoted(text: string): void {
    const from = changetype<usize>(text);
    const units = <usize>text.length;
    // No unit takes more than the six bytes of \u001f.
    const begin = this.reserve(units * 6 + 2);
    let to = begin;
    store<u8>(to++, 0x22);
    for (let at: usize = 0; at < units; at++) {
      let code = <u32>load<u16>(from + at * 2);
      if (code == 0x22 || code == 0x5c) {
        store<u8>(to++, 0x5c);
        store<u8>(to++, code);
      } else if (code < 0x20) {
        store<u32>(to, 0x3030755c); // \u00
        store<u8>(to, load<u8>(HEX + (code >> 4)), 4);
        store<u8>(to, load<u8>(HEX + (code & 15)), 5);
        to += 6;
      } else if (code < 0x80) {
        store<u8>(to++, code);
      } else if (code < 0x800) {
        store<u8>(to, 0xc0 | code >> 6);
        store<u8>(to, 0x80 | code & 63, 1);
        to += 2;
      } else {
        if ((code & 0xf800) == 0xd800) {
          const low = code < 0xdc00 && at + 1 < units ? <u32>load<u16>(from + at * 2 + 2) : 0;
          if ((low & 0xfc00) == 0xdc00) {
            at += 1;
            code = 0x10000 + ((code & 0x3ff) << 10 | low & 0x3ff);
            store<u8>(to, 0xf0 | code >> 18);
            store<u8>(to, 0x80 | code >> 12 & 63, 1);
            store<u8>(to, 0x80 | code >> 6 & 63, 2);
            store<u8>(to, 0x80 | code & 63, 3);
            to += 4;
            continue;
          }
          code = REPLACEMENT;
        }
        store<u8>(to, 0xe0 | code >> 12);
        store<u8>(to, 0x80 | code >> 6 & 63, 1);
        store<u8>(to, 0x80 | code & 63, 2);
        to += 3;
      }
    }
    store<u8>(to++, 0x22);
    this.used += to - begin;
  }

  /** What was written, and nothing more. */
  take(): ArrayBuffer {
    return this.buffer.slice(0, <i32>this.used);
  }

  /** Where to write the next `length` bytes. */
  private reserve(length: usize): usize {
    const needed = this.used + length;
    if (needed > <usize>this.buffer.byteLength) {
      const grown = new ArrayBuffer(<i32>max(needed, <usize>this.buffer.byteLength * 2));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), this.used);
      this.buffer = grown;
    }
    return changetype<usize>(this.buffer) + this.used;
  }
}
