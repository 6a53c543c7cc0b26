//! [`BLOCK`] consecutive values of one series as few bytes, and back, bit by bit the same. NaN stands for a missing value, whatever its bits.
//!
//! What machines count is whole numbers of something: bytes, ticks of 10 ms, milliseconds. A block whose values are all quotients of a
//! whole number and one of [`DIVISORS`] is kept as the differences between neighbours, or as the differences of these, whichever is
//! shorter, in Rice's code with the width that suits the block; bits that are zero in all of them (pages, sectors) are left out. Other
//! blocks are kept as Gorilla does (Pelkonen et al., VLDB 2015): the bits that differ from the value before.

use super::bits::{Reader, Writer};

/// Values of one block: two minutes at a sample every 2 s. As many as a word has bits, for those that are missing.
pub(super) const BLOCK: usize = 64;

/// Whole numbers, decimals, ticks, milliseconds, microseconds, nanoseconds.
const DIVISORS: [f64; 8] = [1.0, 100.0, 1e3, 1e6, 10.0, 1e4, 1e5, 1e9];
/// Whole numbers up to this one, 2^53, have doubles of their own.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
/// A quotient of Rice's code that is no quotient: the number follows as it is. It bounds what an outlier costs.
const ESCAPE: u32 = 12;
/// Widest remainder of Rice's code.
const MAX_REMAINDER: u32 = 56;

// What a block begins with, in two bits.
const EMPTY: u64 = 0;
const EQUAL: u64 = 1;
const WHOLE: u64 = 2;
const BITWISE: u64 = 3;

/// Appends `values`, at most [`BLOCK`], to `bytes`; what is not there is missing.
pub(super) fn encode(values: &[f64], bytes: &mut Vec<u8>) {
    let mut present = [0.0; BLOCK];
    let mut count = 0;
    let mut bitmap = 0_u64;
    for (place, value) in values.iter().take(BLOCK).enumerate() {
        if !value.is_nan() {
            present[count] = *value;
            count += 1;
            bitmap |= 1 << place;
        }
    }
    let mut out = Writer::new(bytes);
    if let Some((first, others)) = present[..count].split_first() {
        let equal = others.iter().all(|value| value.to_bits() == first.to_bits());
        let whole = if equal { None } else { Whole::of(&present[..count]) };
        out.put(
            if equal {
                EQUAL
            } else if whole.is_some() {
                WHOLE
            } else {
                BITWISE
            },
            2,
        );
        put_bitmap(bitmap, &mut out);
        match whole {
            Some(whole) => whole.encode(&mut out),
            None if equal => encode_equal(*first, &mut out),
            None => encode_bitwise(*first, others, &mut out),
        }
    } else {
        out.put(EMPTY, 2);
    }
    out.finish();
}

/// The values that `bytes` hold.
pub(super) fn decode(bytes: &[u8], values: &mut [f64; BLOCK]) {
    let mut bits = Reader::new(bytes);
    let kind = bits.take(2);
    let mut present = [0.0; BLOCK];
    let bitmap = if kind == EMPTY { 0 } else { take_bitmap(&mut bits) };
    let count = bitmap.count_ones() as usize;
    match kind {
        EQUAL => present[..count].fill(decode_equal(&mut bits)),
        WHOLE => Whole::decode(&mut bits, &mut present[..count]),
        BITWISE => decode_bitwise(&mut bits, &mut present[..count]),
        _ => {}
    }
    if bitmap == u64::MAX {
        *values = present;
        return;
    }
    values.fill(f64::NAN);
    let places = (0..BLOCK).filter(|place| bitmap >> place & 1 == 1);
    for (place, value) in places.zip(present) {
        values[place] = value;
    }
}

fn put_bitmap(bitmap: u64, out: &mut Writer) {
    let full = bitmap == u64::MAX;
    out.put(u64::from(full), 1);
    if !full {
        out.put(bitmap, 64);
    }
}

fn take_bitmap(bits: &mut Reader) -> u64 {
    if bits.take(1) == 1 { u64::MAX } else { bits.take(64) }
}

fn encode_equal(value: f64, out: &mut Writer) {
    let whole = whole(value, 1.0);
    out.put(u64::from(whole.is_some()), 1);
    match whole {
        Some(whole) => out.put_sized(zigzag(whole)),
        None => out.put(value.to_bits(), 64),
    }
}

fn decode_equal(bits: &mut Reader) -> f64 {
    if bits.take(1) == 1 { unzigzag(bits.take_sized()) as f64 } else { f64::from_bits(bits.take(64)) }
}

/// Values as whole numbers of a fraction.
struct Whole {
    divisor: usize,
    numbers: [i64; BLOCK],
    count: usize,
}

impl Whole {
    /// `None` where no divisor gives all of `values` back.
    fn of(values: &[f64]) -> Option<Whole> {
        let mut numbers = [0; BLOCK];
        let fits = |divisor: &f64, numbers: &mut [i64; BLOCK]| {
            let mut pairs = values.iter().zip(numbers);
            pairs.all(|(value, number)| whole(*value, *divisor).map(|whole| *number = whole).is_some())
        };
        let divisor = DIVISORS.iter().position(|divisor| fits(divisor, &mut numbers))?;
        Some(Whole { divisor, numbers, count: values.len() })
    }

    fn encode(&self, out: &mut Writer) {
        let mut deltas = [0_i64; BLOCK];
        let numbers = &self.numbers[..self.count];
        for (delta, pair) in deltas.iter_mut().zip(numbers.windows(2)) {
            *delta = pair[1] - pair[0];
        }
        let deltas = &mut deltas[..self.count - 1];
        let shift = deltas.iter().fold(0, |all, delta| all | delta).trailing_zeros() % 64;
        for delta in deltas.iter_mut() {
            *delta >>= shift;
        }
        let mut changes = [0_i64; BLOCK];
        let mut before = 0;
        for (change, delta) in changes.iter_mut().zip(deltas.iter()) {
            *change = delta - before;
            before = *delta;
        }
        let changes = &changes[..deltas.len()];
        let (plain, second) = (Rice::fitting(deltas), Rice::fitting(changes));
        let twice = second.bits < plain.bits;
        let (rice, numbers_left) = if twice { (second, changes) } else { (plain, &*deltas) };
        out.put(self.divisor as u64, 3);
        out.put_sized(zigzag(numbers[0]));
        out.put(u64::from(shift), 6);
        out.put(u64::from(twice), 1);
        out.put(u64::from(rice.remainder), 6);
        for number in numbers_left {
            rice.put(zigzag(*number), out);
        }
    }

    fn decode(bits: &mut Reader, values: &mut [f64]) {
        let divisor = DIVISORS[usize::from(bits.take(3).to_le_bytes()[0]) % DIVISORS.len()];
        let mut number = unzigzag(bits.take_sized());
        let shift = bits.take(6);
        let twice = bits.take(1) == 1;
        let rice = Rice { remainder: u32::from(bits.take(6).to_le_bytes()[0]), bits: 0 };
        let mut delta = 0_i64;
        for (place, value) in values.iter_mut().enumerate() {
            if place > 0 {
                let read = unzigzag(rice.take(bits));
                delta = if twice { delta.wrapping_add(read) } else { read };
                number = number.wrapping_add(delta << shift);
            }
            *value = number as f64 / divisor;
        }
    }
}

/// The whole number of which `value` is the quotient by `divisor`, to the last bit.
fn whole(value: f64, divisor: f64) -> Option<i64> {
    let scaled = (value * divisor).round();
    if scaled.abs() > MAX_WHOLE || !scaled.is_finite() {
        return None;
    }
    let number = scaled as i64;
    (((number as f64) / divisor).to_bits() == value.to_bits()).then_some(number)
}

/// Rice's code: the quotient by a power of two as so many ones and a zero, then the remainder.
struct Rice {
    remainder: u32,
    /// What the numbers take that it was fitted to.
    bits: u32,
}

impl Rice {
    fn fitting(numbers: &[i64]) -> Rice {
        let bits = |remainder: u32| numbers.iter().map(|number| Rice::width(zigzag(*number), remainder)).sum();
        let all = numbers.iter().fold(0, |all, number| all | zigzag(*number));
        let widest = (u64::BITS - all.leading_zeros()).min(MAX_REMAINDER);
        let fits = (0..=widest).map(|remainder| Rice { remainder, bits: bits(remainder) });
        fits.min_by_key(|rice| rice.bits).expect("there is always the width 0")
    }

    fn width(number: u64, remainder: u32) -> u32 {
        match number >> remainder {
            quotient if quotient < u64::from(ESCAPE) => quotient.to_le_bytes()[0] as u32 + 1 + remainder,
            _ => ESCAPE + 6 + u64::BITS - number.leading_zeros(),
        }
    }

    fn put(&self, number: u64, out: &mut Writer) {
        let quotient = number >> self.remainder;
        if quotient < u64::from(ESCAPE) {
            // As many ones as the quotient says; the bit above them is zero.
            let ones = u32::from(quotient.to_le_bytes()[0]);
            out.put((1 << ones) - 1, ones + 1);
            out.put(number, self.remainder);
        } else {
            out.put((1 << ESCAPE) - 1, ESCAPE);
            out.put_sized(number);
        }
    }

    fn take(&self, bits: &mut Reader) -> u64 {
        match bits.take_ones(ESCAPE) {
            ESCAPE => bits.take_sized(),
            quotient => u64::from(quotient).checked_shl(self.remainder).unwrap_or(0) | bits.take(self.remainder),
        }
    }
}

/// Small numbers of either sign to small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn encode_bitwise(first: f64, others: &[f64], out: &mut Writer) {
    let mut before = first.to_bits();
    let mut window = (0_u32, 0_u32);
    out.put(before, 64);
    for value in others {
        let differing = value.to_bits() ^ before;
        before = value.to_bits();
        if differing == 0 {
            out.put(0, 1);
            continue;
        }
        let (low, width) = (differing.trailing_zeros(), 64 - differing.leading_zeros() - differing.trailing_zeros());
        let fits = low >= window.0 && low + width <= window.0 + window.1;
        // A window that has become far too wide costs more than saying the new one.
        if fits && window.1 <= width + 12 {
            out.put(0b01, 2);
        } else {
            window = (low, width);
            out.put(0b11, 2);
            out.put(u64::from(low), 6);
            out.put(u64::from(width - 1), 6);
        }
        out.put(differing >> window.0, window.1);
    }
}

fn decode_bitwise(bits: &mut Reader, values: &mut [f64]) {
    let mut before = bits.take(64);
    let mut window = (0_u32, 0_u32);
    for (place, value) in values.iter_mut().enumerate() {
        if place > 0 && bits.take(1) == 1 {
            if bits.take(1) == 1 {
                window.0 = u32::from(bits.take(6).to_le_bytes()[0]);
                window.1 = u32::from(bits.take(6).to_le_bytes()[0]) + 1;
            }
            before ^= bits.take(window.1) << window.0;
        }
        *value = f64::from_bits(before);
    }
}

#[cfg(test)]
mod tests;
