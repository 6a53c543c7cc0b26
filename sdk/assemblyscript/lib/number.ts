// JSON numbers to doubles, to the last bit. AssemblyScript's own `parseFloat` is off for some numbers with an exponent, so this does it
// exactly: by one multiplication or division where that is exact, otherwise by long division of big numbers.

/** More significant digits than these cannot change a double, but for whether there are any. */
const MAX_DIGITS = 770;
/** Words of a big number: 10^1100, the largest divisor that there can be, has 3,655 bits. */
const WORDS = 118;
/** The powers of ten that doubles have exactly. */
const POWERS: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/** The double nearest to the JSON number from `at` up to `end`, which must be one; beyond the range of doubles it is infinite. */
export function parseNumber(at: usize, end: usize): f64 {
  const negative = load<u8>(at) == 0x2d;
  if (negative) at += 1;
  const magnitude = parseMagnitude(at, end);
  return negative ? -magnitude : magnitude;
}

function parseMagnitude(begin: usize, end: usize): f64 {
  let small: u64 = 0;
  let digits = 0;
  let exponent: i32 = 0;
  let fraction = false;
  let at = begin;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 0x2e) {
      fraction = true;
      continue;
    }
    const digit = <u32>byte - 0x30;
    if (digit > 9) break;
    if (fraction) exponent -= 1;
    if (digits == 0 && digit == 0) continue;
    digits += 1;
    if (digits < 19) small = small * 10 + digit;
  }
  if (digits == 0) return 0;
  const mantissaEnd = at;
  if (at < end) exponent += parseExponent(at + 1, end);

  if (digits < 19 && small <= 1 << 53 && exponent >= -22 && exponent <= 22) {
    return exponent < 0 ? <f64>small / POWERS[-exponent] : <f64>small * POWERS[exponent];
  }
  // The first digit's place decides whether a double can hold it.
  if (digits + exponent > 310) return Infinity;
  if (digits + exponent < -330) return 0;

  const dividend = new Big();
  const divisor = new Big();
  divisor.multiply(1, 1);
  exponent += readDigits(dividend, begin, mantissaEnd, digits);
  for (; exponent > 0; exponent--) dividend.multiply(10, 0);
  for (; exponent < 0; exponent++) divisor.multiply(10, 0);
  return divide(dividend, divisor);
}

/** Exponents beyond any use are cut, so that they cannot wrap around. */
function parseExponent(at: usize, end: usize): i32 {
  const sign = load<u8>(at);
  if (sign == 0x2b || sign == 0x2d) at += 1;
  let exponent = 0;
  for (; at < end; at++) if (exponent < 100000000) exponent = exponent * 10 + load<u8>(at) - 0x30;
  return sign == 0x2d ? -exponent : exponent;
}

/** Reads the significant digits into `into`; returns how many at the end it left out, of which it notes that there were any. */
function readDigits(into: Big, at: usize, end: usize, digits: i32): i32 {
  let read = 0;
  let rest: u32 = 0;
  for (; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9 || (read == 0 && digit == 0)) continue;
    read += 1;
    if (read < MAX_DIGITS) into.multiply(10, digit);
    else rest |= digit;
  }
  if (digits < MAX_DIGITS) return 0;
  into.multiply(10, rest == 0 ? 0 : 1);
  return digits - MAX_DIGITS;
}

/** The double nearest to `a / b`, ties to even. Bit by bit; neither is 0. */
function divide(a: Big, b: Big): f64 {
  let exponent = a.bits() - b.bits();
  if (exponent > 0) b.shift(exponent);
  else a.shift(-exponent);
  if (a.compare(b) < 0) {
    a.shift(1);
    exponent -= 1;
  }
  // Now a / b is at least 1 and below 2, and what is wanted is (a / b) · 2^exponent.
  const wanted = min(53, exponent + 1075);
  if (wanted < 0) return 0;
  let quotient: u64 = 0;
  for (let bit = 0; bit < wanted; bit++) {
    quotient <<= 1;
    if (a.compare(b) >= 0) {
      a.subtract(b);
      quotient |= 1;
    }
    a.shift(1);
  }
  const rest = a.compare(b);
  if (rest > 0 || (rest == 0 && (quotient & 1) != 0)) quotient += 1;
  return exponent > 1023 ? Infinity : <f64>quotient * powerOfTwo(exponent - wanted + 1);
}

/** 2^exponent, exact for -1074 to 1023. */
function powerOfTwo(exponent: i32): f64 {
  return reinterpret<f64>(exponent < -1022 ? (1 as u64) << (exponent + 1074) : (<u64>(exponent + 1023)) << 52);
}

/** A natural number of at most `WORDS` words, least significant first. */
class Big {
  private words: StaticArray<u32> = new StaticArray<u32>(WORDS);
  private used: i32 = 0;

  /** This becomes this · factor + summand. */
  multiply(factor: u32, summand: u32): void {
    let carry: u64 = summand;
    for (let at = 0; at < this.used; at++) {
      carry += <u64>this.words[at] * factor;
      this.words[at] = <u32>carry;
      carry >>= 32;
    }
    if (carry != 0) this.words[this.used++] = <u32>carry;
  }

  shift(bits: i32): void {
    const whole = bits >> 5;
    const part = bits & 31;
    this.used += whole + 1;
    for (let at = this.used - 1; at >= whole; at--) {
      const high = <u64>this.words[at - whole] << part;
      const low = part > 0 && at > whole ? this.words[at - whole - 1] >> (32 - part) : 0;
      this.words[at] = <u32>high | low;
    }
    for (let at = 0; at < whole; at++) this.words[at] = 0;
    this.trim();
  }

  /** This becomes this - other, which is not larger. */
  subtract(other: Big): void {
    let borrow: i64 = 0;
    for (let at = 0; at < this.used; at++) {
      borrow += <i64>this.words[at] - <i64>other.words[at];
      this.words[at] = <u32>borrow;
      borrow >>= 32;
    }
    this.trim();
  }

  compare(other: Big): i32 {
    if (this.used != other.used) return this.used - other.used;
    for (let at = this.used - 1; at >= 0; at--) {
      if (this.words[at] != other.words[at]) return this.words[at] > other.words[at] ? 1 : -1;
    }
    return 0;
  }

  bits(): i32 {
    return this.used == 0 ? 0 : this.used * 32 - <i32>clz(this.words[this.used - 1]);
  }

  private trim(): void {
    while (this.used > 0 && this.words[this.used - 1] == 0) this.used -= 1;
  }
}
