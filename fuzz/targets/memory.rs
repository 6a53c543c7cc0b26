//! A guest's pointers and lengths: nothing outside its memory is read or written, against a model that counts in wide numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use verwalter_fuzz::plugin::{read, read_text, unpack, write, write_doubles};

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    memory: Vec<u8>,
    calls: Vec<Call>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Call {
    Read(Near, Near),
    Packed(u64),
    Write(Near, Vec<u8>),
    Doubles(Near, Vec<f64>),
}

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
            Call::Write(ptr, bytes) => {
                let ptr = ptr.number(size);
                check_write(&mut memory, ptr, bytes, |memory| write(memory, ptr, bytes));
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
