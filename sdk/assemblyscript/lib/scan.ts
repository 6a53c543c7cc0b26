// The grammar of JSON over bytes in memory: one pass that checks a text, and steps over texts that were checked.

/** Deeper texts are refused; the host's own limit is 100. */
const MAX_DEPTH = 128;

/** Where the JSON value at `at` ends, white space behind it included; 0 where there is none before `end`. */
export function check(at: usize, end: usize): usize {
  return checkValue(space(at, end), end, 0);
}

function checkValue(at: usize, end: usize, depth: i32): usize {
  if (at >= end || depth > MAX_DEPTH) return 0;
  const first = load<u8>(at);
  if (first == 0x22) at = checkText(at + 1, end);
  else if (first == 0x7b) at = checkMapping(at + 1, end, depth);
  else if (first == 0x5b) at = checkList(at + 1, end, depth);
  else if (first == 0x74) at = word(at, end, 0x65757274, 4); // true
  else if (first == 0x66) at = word(at + 1, end, 0x65736c61, 4); // (f)alse
  else if (first == 0x6e) at = word(at, end, 0x6c6c756e, 4); // null
  else at = checkNumber(at, end);
  return at == 0 ? 0 : space(at, end);
}

function checkMapping(at: usize, end: usize, depth: i32): usize {
  at = space(at, end);
  if (is(at, end, 0x7d)) return at + 1;
  while (is(at, end, 0x22)) {
    at = checkText(at + 1, end);
    if (at == 0) return 0;
    at = space(at, end);
    if (!is(at, end, 0x3a)) return 0;
    at = checkValue(space(at + 1, end), end, depth + 1);
    if (at == 0) return 0;
    if (is(at, end, 0x7d)) return at + 1;
    if (!is(at, end, 0x2c)) return 0;
    at = space(at + 1, end);
  }
  return 0;
}

function checkList(at: usize, end: usize, depth: i32): usize {
  at = space(at, end);
  if (is(at, end, 0x5d)) return at + 1;
  while (true) {
    at = checkValue(at, end, depth + 1);
    if (at == 0) return 0;
    if (is(at, end, 0x5d)) return at + 1;
    if (!is(at, end, 0x2c)) return 0;
    at = space(at + 1, end);
  }
}

/** From behind the first quote to behind the last. */
function checkText(at: usize, end: usize): usize {
  while (at < end) {
    const byte = load<u8>(at++);
    if (byte == 0x22) return at;
    if (byte < 0x20) return 0;
    if (byte != 0x5c) continue;
    if (at >= end) return 0;
    const escape = load<u8>(at++);
    if (escape == 0x75) {
      const unit = hex(at, end);
      if (unit < 0) return 0;
      at += 4;
      if ((unit & 0xf800) != 0xd800) continue;
      // Half a pair is no text.
      if (unit >= 0xdc00 || !is(at, end, 0x5c) || !is(at + 1, end, 0x75) || (hex(at + 2, end) & 0xfc00) != 0xdc00) return 0;
      at += 6;
    } else if (
      escape != 0x22 && escape != 0x5c && escape != 0x2f && escape != 0x62 && escape != 0x66 && escape != 0x6e && escape != 0x72 && escape != 0x74
    ) {
      return 0;
    }
  }
  return 0;
}

function checkNumber(at: usize, end: usize): usize {
  if (is(at, end, 0x2d)) at += 1;
  if (is(at, end, 0x30)) at += 1;
  else if ((at = digits(at, end)) == 0) return 0;
  if (is(at, end, 0x2e) && (at = digits(at + 1, end)) == 0) return 0;
  if (is(at, end, 0x65) || is(at, end, 0x45)) {
    at += 1;
    if (is(at, end, 0x2b) || is(at, end, 0x2d)) at += 1;
    at = digits(at, end);
  }
  return at;
}

/** Behind one or more digits, or 0. */
function digits(at: usize, end: usize): usize {
  const begin = at;
  while (at < end && <u32>load<u8>(at) - 0x30 < 10) at += 1;
  return at == begin ? 0 : at;
}

function word(at: usize, end: usize, letters: u32, length: usize): usize {
  return at + length <= end && load<u32>(at) == letters ? at + length : 0;
}

function is(at: usize, end: usize, byte: u32): bool {
  return at < end && load<u8>(at) == byte;
}

/** Four hexadecimal digits as a number, or -1. */
export function hex(at: usize, end: usize): i32 {
  if (at + 4 > end) return -1;
  let value = 0;
  for (let digit: usize = 0; digit < 4; digit++) {
    const byte = <u32>load<u8>(at + digit);
    const letter = (byte | 0x20) - 0x61;
    if (byte - 0x30 < 10) value = value << 4 | (byte - 0x30);
    else if (letter < 6) value = value << 4 | (letter + 10);
    else return -1;
  }
  return value;
}

/** Behind white space. */
export function space(at: usize, end: usize): usize {
  while (at < end) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break;
    at += 1;
  }
  return at;
}

/** Behind the value at `at`, in a text that was checked. */
export function skip(at: usize, end: usize): usize {
  const first = load<u8>(at);
  if (first == 0x22) return skipText(at);
  if (first != 0x7b && first != 0x5b) {
    while (at < end && isScalar(load<u8>(at))) at += 1;
    return at;
  }
  let depth = 0;
  while (true) {
    const byte = load<u8>(at);
    if (byte == 0x22) {
      at = skipText(at);
      continue;
    }
    at += 1;
    // [ and {, ] and } differ in one bit.
    if ((byte | 0x20) == 0x7b) depth += 1;
    else if ((byte | 0x20) == 0x7d && --depth == 0) return at;
  }
}

function skipText(at: usize): usize {
  while (true) {
    const byte = load<u8>(++at);
    if (byte == 0x22) return at + 1;
    if (byte == 0x5c) at += 1;
  }
}

/** Whether a number, `true`, `false` or `null` may go on with this byte. */
function isScalar(byte: u32): bool {
  return byte > 0x20 && byte != 0x2c && byte != 0x5d && byte != 0x7d;
}
