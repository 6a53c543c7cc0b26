//! The one place where a guest's number meets memory. Every offset and length is checked against the memory as it is now;
//! nothing is allocated by a guest's word beyond the caller's cap.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::stop::Stop;

/// What a core-ABI function answered: where its bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) ptr: u32,
    pub(super) len: u32,
}

impl Answer {
    /// Low 32 bits pointer, high 32 bits length.
    pub(super) fn unpack(packed: u64) -> Answer {
        Answer { ptr: packed as u32, len: (packed >> 32) as u32 }
    }
}

/// The bytes at `ptr`, if they lie within a memory of `size` bytes.
fn range(size: usize, ptr: u32, len: u32) -> Result<Range<usize>, Stop> {
    let start = ptr as usize;
    let end = start.checked_add(len as usize).ok_or(Stop::Bounds)?;
    if end > size { Err(Stop::Bounds) } else { Ok(start..end) }
}

/// The guest's bytes at `ptr`.
pub(super) fn read(memory: &[u8], ptr: u32, len: u32) -> Result<&[u8], Stop> {
    Ok(&memory[range(memory.len(), ptr, len)?])
}

/// The guest's text at `ptr`.
pub(super) fn read_text(memory: &[u8], ptr: u32, len: u32) -> Result<&str, Stop> {
    std::str::from_utf8(read(memory, ptr, len)?).map_err(|_| Stop::Text)
}

/// The element `index` of an array of elements of `size` bytes at `ptr`.
pub(super) fn read_element(memory: &[u8], ptr: u32, index: u32, size: u32) -> Result<&[u8], Stop> {
    read(memory, element(ptr, index, size)?, size)
}

/// Where the element `index` of such an array begins.
pub(super) fn element(ptr: u32, index: u32, size: u32) -> Result<u32, Stop> {
    index.checked_mul(size).and_then(|offset| ptr.checked_add(offset)).ok_or(Stop::Bounds)
}

/// The JSON value that begins at `ptr` and ends where JSON says so: at most `cap` bytes with the white space before it, and never
/// beyond memory. Nothing is copied. The parser walks over it in a loop, so that no nesting takes the host's stack; it keeps one
/// byte a level.
pub(super) fn read_json(memory: &[u8], ptr: u32, cap: usize) -> Result<&str, Stop> {
    let rest = memory.get(ptr as usize..).filter(|rest| !rest.is_empty()).ok_or(Stop::Bounds)?;
    // One byte more than may be taken: a number ends before what follows it, and cut short it would be another number.
    let window = &rest[..rest.len().min(cap.saturating_add(1))];
    let value = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_slice(window));
    let value = value.map(RawValue::get).map_err(|err| match err.is_eof() {
        true if rest.len() > cap => Stop::Long,
        true => Stop::Unended,
        false => Stop::Junk { line: err.line(), column: err.column() },
    })?;
    let before = window.len() - window.trim_ascii_start().len();
    if before + value.len() > cap { Err(Stop::Long) } else { Ok(value) }
}

/// The guest's bytes at `ptr`, to be filled in place.
pub(super) fn slot(memory: &mut [u8], ptr: u32, len: u32) -> Result<&mut [u8], Stop> {
    let range = range(memory.len(), ptr, len)?;
    Ok(&mut memory[range])
}

/// Copies `bytes` to the guest's `ptr`.
pub(super) fn write(memory: &mut [u8], ptr: u32, bytes: &[u8]) -> Result<(), Stop> {
    let len = u32::try_from(bytes.len()).map_err(|_| Stop::Bounds)?;
    let range = range(memory.len(), ptr, len)?;
    memory[range].copy_from_slice(bytes);
    Ok(())
}

/// Every NaN as the same bits: a guest can see the others, and where they come from differs between processors.
pub(super) fn canonical(value: f64) -> f64 {
    const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);
    if value.is_nan() { NAN } else { value }
}

/// Copies doubles to the guest's `ptr`, little-endian, however it is aligned.
pub(super) fn write_doubles(memory: &mut [u8], ptr: u32, values: &[f64]) -> Result<(), Stop> {
    let len = values.len().checked_mul(8).and_then(|len| u32::try_from(len).ok()).ok_or(Stop::Bounds)?;
    let range = range(memory.len(), ptr, len)?;
    for (slot, value) in memory[range].chunks_exact_mut(8).zip(values) {
        slot.copy_from_slice(&canonical(*value).to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stay_within_memory() {
        let memory = [1, 2, 3, 4];
        let check = |ptr, len, expect: Result<&[u8], Stop>| assert_eq!(read(&memory, ptr, len), expect, "{ptr} {len}");
        check(0, 4, Ok(&[1, 2, 3, 4]));
        check(4, 0, Ok(&[]));
        check(3, 2, Err(Stop::Bounds));
        check(5, 0, Err(Stop::Bounds));
        check(u32::MAX, u32::MAX, Err(Stop::Bounds));
        check(0, u32::MAX, Err(Stop::Bounds));
    }

    #[test]
    fn writes_stay_within_memory() {
        let mut memory = [0; 10];
        assert_eq!(write(&mut memory, 8, &[7, 7]), Ok(()));
        assert_eq!(write(&mut memory, 9, &[9, 9]), Err(Stop::Bounds));
        assert_eq!(write_doubles(&mut memory, 1, &[1.0]), Ok(()));
        assert_eq!(write_doubles(&mut memory, 3, &[2.0]), Err(Stop::Bounds));
        assert_eq!(memory, [0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 7]);
    }

    #[test]
    fn elements_stay_within_numbers() {
        let check = |ptr, index, size, expect| assert_eq!(element(ptr, index, size), expect, "{ptr} {index} {size}");
        check(8, 2, 16, Ok(40));
        check(u32::MAX, 0, 16, Ok(u32::MAX));
        check(u32::MAX - 15, 1, 16, Err(Stop::Bounds));
        check(0, 1 << 28, 16, Err(Stop::Bounds));
        assert_eq!(read_element(&[1, 2, 3, 4, 5], 1, 1, 2), Ok(&[4, 5][..]));
        assert_eq!(read_element(&[1, 2, 3, 4, 5], 1, 2, 2), Err(Stop::Bounds));
    }

    #[test]
    fn a_value_ends_where_json_ends() {
        let check = |memory: &[u8], ptr, cap, expect: Result<&str, Stop>| {
            assert_eq!(read_json(memory, ptr, cap), expect, "{}", String::from_utf8_lossy(&memory[..memory.len().min(40)]));
        };
        check(b"xx{\"a\":[1]}\0\xff{", 2, 100, Ok("{\"a\":[1]}"));
        check(b"  null]", 0, 100, Ok("null"));
        check(b"{\"a\":1}", 0, 7, Ok("{\"a\":1}"));
        check(b"{\"a\":1}", 0, 6, Err(Stop::Long));
        check(b"{\"a\":1", 0, 100, Err(Stop::Unended));
        check(b"\"abc", 0, 100, Err(Stop::Unended));
        check(b"\"abc", 0, 3, Err(Stop::Long));
        check(b"    ", 0, 100, Err(Stop::Unended));
        // Cut short, a number is a number too.
        check(b"1234", 0, 3, Err(Stop::Long));
        check(b"1234", 0, 4, Ok("1234"));
        check(b"12\0", 0, 2, Ok("12"));
        check(b" 12\0", 0, 2, Err(Stop::Long));
        check(b"12", 0, 0, Err(Stop::Long));
        check(b"\0\0\0\0", 0, 100, Err(Stop::Junk { line: 1, column: 1 }));
        check(b"{\"a\" 1}", 0, 100, Err(Stop::Junk { line: 1, column: 6 }));
        check(b"\"\xff\"", 0, 100, Err(Stop::Junk { line: 1, column: 2 }));
        check(b"{}", 2, 100, Err(Stop::Bounds));
        check(b"{}", u32::MAX, usize::MAX, Err(Stop::Bounds));
        check(b"", 0, 100, Err(Stop::Bounds));
    }

    #[test]
    fn a_million_levels_take_no_stack() {
        const LEVELS: usize = 1_000_000;
        let mut memory = vec![b'['; LEVELS];
        assert_eq!(read_json(&memory, 0, usize::MAX), Err(Stop::Unended));
        memory.extend(vec![b']'; LEVELS]);
        assert_eq!(read_json(&memory, 0, usize::MAX).map(str::len), Ok(2 * LEVELS));
        assert_eq!(read_json(&memory, 0, LEVELS), Err(Stop::Long));
    }

    #[test]
    fn answers_unpack() {
        assert_eq!(Answer::unpack(0x0000_0003_ffff_fffe), Answer { ptr: 0xffff_fffe, len: 3 });
    }
}
