//! A guest's pointers and lengths: nothing outside its memory is read or written, against a model that counts in wide numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use verwalter_fuzz::free::Free;
use verwalter_fuzz::plugin::{read, read_element, read_json, read_text, slot, unpack, write, write_doubles};

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    memory: Vec<u8>,
    calls: Vec<Call>,
    /// Nesting in units of [`LEVELS`], whether it is closed, and a cap.
    deep: Option<(u8, bool, Near)>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Call {
    Read(Near, Near),
    Packed(u64),
    Element(Near, u32, u32),
    Write(Near, Vec<u8>),
    Slot(Near, Vec<u8>),
    Doubles(Near, Vec<f64>),
    Json(Near, Near),
    /// A value between other bytes, perhaps with one of its own altered: random bytes are seldom JSON.
    JsonValue(u8, Free, Option<(u8, u8)>, Vec<u8>, Near),
}

/// Up to 100,000 in all: no reader that recurses has a stack for that.
const LEVELS: usize = 400;

/// A number where mistakes are likely: near zero, near the memory's end, near the greatest.
#[derive(Debug, arbitrary::Arbitrary)]
enum Near {
    Zero(u8),
    End(i8),
    Greatest(u8),
    Any(u32),
}

impl Near {
    fn number(&self, size: usize) -> u32 {
        match self {
            Near::Zero(n) => u32::from(*n),
            Near::End(n) => (size as u32).wrapping_add_signed(i32::from(*n)),
            Near::Greatest(n) => u32::MAX - u32::from(*n),
            Near::Any(n) => *n,
        }
    }
}

fuzz_target!(|input: Input| {
    let mut memory = input.memory;
    let size = memory.len();
    for call in &input.calls {
        match call {
            Call::Read(ptr, len) => check_read(&memory, ptr.number(size), len.number(size)),
            Call::Packed(packed) => {
                let (ptr, len) = unpack(*packed);
                assert_eq!(u64::from(len) << 32 | u64::from(ptr), *packed);
                check_read(&memory, ptr, len);
            }
            Call::Element(ptr, index, size) => {
                let (ptr, size) = (ptr.number(memory.len()), size % 64);
                let begin = u128::from(ptr) + u128::from(*index) * u128::from(size);
                let expect = usize::try_from(begin).ok().and_then(|begin| memory.get(begin..)?.get(..size as usize));
                assert_eq!(read_element(&memory, ptr, *index, size).ok(), expect);
            }
            Call::Write(ptr, bytes) => {
                let ptr = ptr.number(size);
                check_write(&mut memory, ptr, bytes, |memory| write(memory, ptr, bytes));
            }
            Call::Slot(ptr, bytes) => {
                let ptr = ptr.number(size);
                let fill = |memory: &mut [u8]| slot(memory, ptr, bytes.len() as u32).map(|slot| slot.copy_from_slice(bytes));
                check_write(&mut memory, ptr, bytes, fill);
            }
            Call::Json(ptr, cap) => check_json(&memory, ptr.number(size), cap.number(size) as usize),
            Call::JsonValue(before, value, damage, after, cap) => {
                let mut text = value.0.to_string().into_bytes();
                if let Some((place, byte)) = *damage {
                    let place = usize::from(place) % text.len();
                    text[place] = byte;
                }
                let memory = [&vec![0; usize::from(*before)], text.as_slice(), after].concat();
                check_json(&memory, u32::from(*before), cap.number(text.len()) as usize);
            }
            Call::Doubles(ptr, values) => {
                let ptr = ptr.number(size);
                const NAN: u64 = 0x7ff8_0000_0000_0000;
                let bits = values.iter().map(|value| if value.is_nan() { NAN } else { value.to_bits() });
                let bytes: Vec<u8> = bits.flat_map(u64::to_le_bytes).collect();
                check_write(&mut memory, ptr, &bytes, |memory| write_doubles(memory, ptr, values));
            }
        }
    }
    if let Some((units, closed, cap)) = &input.deep {
        check_deep(usize::from(*units) * LEVELS, *closed, cap);
    }
});

fn within(memory: &[u8], ptr: u32, len: usize) -> bool {
    u128::from(ptr) + len as u128 <= memory.len() as u128
}

fn check_read(memory: &[u8], ptr: u32, len: u32) {
    let expect = within(memory, ptr, len as usize).then(|| &memory[ptr as usize..][..len as usize]);
    assert_eq!(read(memory, ptr, len).ok(), expect);
    assert_eq!(read_text(memory, ptr, len).ok(), expect.and_then(|bytes| std::str::from_utf8(bytes).ok()));
}

fn check_write(memory: &mut [u8], ptr: u32, bytes: &[u8], write: impl FnOnce(&mut [u8]) -> Result<(), String>) {
    let mut expect = memory.to_vec();
    let fits = within(memory, ptr, bytes.len());
    if fits {
        expect[ptr as usize..][..bytes.len()].copy_from_slice(bytes);
    }
    assert_eq!(write(memory).is_ok(), fits);
    assert_eq!(memory, expect, "only the bytes meant were touched");
}

/// A value without a length: within memory and cap, one JSON value, and the same whatever the cap is, if it is found at all.
fn check_json(memory: &[u8], ptr: u32, cap: usize) {
    let rest = memory.get(ptr as usize..).unwrap_or_default();
    let found = read_json(memory, ptr, cap);
    if let Ok(text) = found {
        assert!(text.len() <= cap);
        let skipped = rest.iter().take_while(|byte| b" \t\n\r".contains(byte)).count();
        assert!(rest[skipped..].starts_with(text.as_bytes()), "the text lies at the pointer");
        assert!(skipped + text.len() <= cap, "{skipped} + {} bytes are beyond a cap of {cap}", text.len());
        serde_json::from_str::<serde::de::IgnoredAny>(text).expect("one JSON value");
        assert_eq!(read_json(memory, ptr, usize::MAX).as_deref(), Ok(text), "a wider cap changes nothing");
    }
    // What a parser that builds the value takes is taken, up to the same end.
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<serde_json::Value>();
    if let Some(Ok(_)) = values.next() {
        let end = values.byte_offset();
        let text = read_json(memory, ptr, usize::MAX).expect("it is JSON");
        assert!(rest[..end].ends_with(text.as_bytes()), "the value ends at {end}");
        assert_eq!(found.is_ok(), end <= cap, "a value of {end} bytes under a cap of {cap}");
    }
}

fn check_deep(levels: usize, closed: bool, cap: &Near) {
    let mut memory = vec![b'['; levels];
    if closed {
        memory.resize(2 * levels, b']');
    }
    let cap = cap.number(memory.len()) as usize;
    let found = read_json(&memory, 0, cap);
    assert_eq!(found.is_ok(), closed && levels > 0 && cap >= memory.len());
    assert!(found.is_err() || found.is_ok_and(|text| text.len() == memory.len()));
}
