//! Numbers of any width in a row of bits, the least bit first. Reading beyond the end gives zeros, never a panic.

/// Appends bits to bytes.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    /// Fewer than 8 bits between calls.
    held: u128,
    count: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Writer<'a> {
        Writer { bytes, held: 0, count: 0 }
    }

    /// Appends the `width` lowest bits of `value`, at most 64.
    pub(super) fn put(&mut self, value: u64, width: u32) {
        self.held |= u128::from(value & mask(width)) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Appends how many bits `value` needs, in 6 bits, and those bits: for values below 2^63.
    pub(super) fn put_sized(&mut self, value: u64) {
        let width = u64::BITS - value.leading_zeros();
        self.put(u64::from(width), 6);
        self.put(value, width);
    }

    /// Fills the last byte.
    pub(super) fn finish(self) {
        if self.count > 0 {
            self.bytes.push(self.held.to_le_bytes()[0]);
        }
    }
}

/// Takes bits from bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    held: u128,
    count: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, held: 0, count: 0 }
    }

    /// The next `width` bits, at most 64.
    pub(super) fn take(&mut self, width: u32) -> u64 {
        self.fill();
        let value = low(self.held) & mask(width);
        self.held >>= width;
        self.count = self.count.saturating_sub(width);
        value
    }

    /// What [`Writer::put_sized`] wrote.
    pub(super) fn take_sized(&mut self) -> u64 {
        let width = u32::from(self.take(6).to_le_bytes()[0]);
        self.take(width)
    }

    /// Takes one bits up to the first zero, that one too, or up to `most` ones.
    pub(super) fn take_ones(&mut self, most: u32) -> u32 {
        self.fill();
        let ones = low(self.held).trailing_ones().min(most);
        self.take(if ones < most { ones + 1 } else { most });
        ones
    }

    /// Holds at least 64 bits, as long as there are so many.
    fn fill(&mut self) {
        if self.count >= 64 {
            return;
        }
        if let Some((word, rest)) = self.bytes.split_first_chunk::<8>() {
            self.held |= u128::from(u64::from_le_bytes(*word)) << self.count;
            self.count += 64;
            self.bytes = rest;
            return;
        }
        while let Some((byte, rest)) = self.bytes.split_first() {
            self.held |= u128::from(*byte) << self.count;
            self.count += 8;
            self.bytes = rest;
        }
    }
}

fn mask(width: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS.saturating_sub(width)).unwrap_or(0)
}

/// The 64 lowest bits.
fn low(held: u128) -> u64 {
    u64::try_from(held & u128::from(u64::MAX)).expect("masked to 64 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in proptest::collection::vec((any::<u64>(), 0..=64_u32), 0..100)) {
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes);
            for (value, width) in &numbers {
                writer.put(*value, *width);
            }
            writer.finish();
            let mut reader = Reader::new(&bytes);
            for (value, width) in numbers {
                let expect = if width == 64 { value } else { value & ((1 << width) - 1) };
                prop_assert_eq!(reader.take(width), expect);
            }
            prop_assert_eq!(reader.take(64), 0, "only zeros fill the last byte, and follow it");
        }
    }

    #[test]
    fn ones_are_counted_up_to_a_limit() {
        let bytes = [0b0111_0110, 0xff, 0xff];
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.take_ones(5), reader.take_ones(5), reader.take_ones(5)), (0, 2, 3));
        assert_eq!((reader.take_ones(12), reader.take_ones(12), reader.take_ones(12)), (12, 4, 0));
    }
}
