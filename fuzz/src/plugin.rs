//! The sandbox's files that read a guest's bytes and need no engine, taken by path, and doors to what only the sandbox may call.

#[rustfmt::skip]
#[path = "../../src/plugin/abi.rs"]
mod abi;
#[rustfmt::skip]
#[path = "../../src/plugin/inspect.rs"]
pub mod inspect;
#[rustfmt::skip]
#[path = "../../src/plugin/limits.rs"]
pub mod limits;
#[rustfmt::skip]
#[path = "../../src/plugin/manifest.rs"]
pub mod manifest;
#[rustfmt::skip]
#[path = "../../src/plugin/memory.rs"]
mod memory;
#[rustfmt::skip]
#[path = "../../src/plugin/nesting.rs"]
mod nesting;
#[rustfmt::skip]
#[path = "../../src/plugin/rules.rs"]
mod rules;
#[rustfmt::skip]
#[expect(dead_code, reason = "what needs the engine ends a call for more reasons")]
#[path = "../../src/plugin/stop.rs"]
mod stop;

/// All that core modules may import, by who defines it.
pub const CLOSED_LISTS: [(&str, &[&str]); 4] = [
    (abi::CORE_MODULE, &abi::CORE_IMPORTS),
    (abi::PREDECESSOR_MODULE, &abi::MATHS_IMPORTS),
    (abi::PREDECESSOR_MODULE, &[abi::PANIC_IMPORT]),
    (abi::WASI_MODULE, &abi::WASI_IMPORTS),
];

/// Pointer and length of what a core-ABI function answered.
pub fn unpack(packed: u64) -> (u32, u32) {
    let answer = memory::Answer::unpack(packed);
    (answer.ptr, answer.len)
}

/// The JSON value that begins at a pointer and has no length; an error is the sandbox's own words.
pub fn read_json(memory: &[u8], ptr: u32, cap: usize) -> Result<&str, String> {
    memory::read_json(memory, ptr, cap).map_err(|stop| stop.to_string())
}

/// The guest's bytes; an error is the sandbox's own words.
pub fn read(memory: &[u8], ptr: u32, len: u32) -> Result<&[u8], String> {
    memory::read(memory, ptr, len).map_err(|stop| stop.to_string())
}

/// The guest's text.
pub fn read_text(memory: &[u8], ptr: u32, len: u32) -> Result<&str, String> {
    memory::read_text(memory, ptr, len).map_err(|stop| stop.to_string())
}

/// Copies bytes to the guest.
pub fn write(memory: &mut [u8], ptr: u32, bytes: &[u8]) -> Result<(), String> {
    memory::write(memory, ptr, bytes).map_err(|stop| stop.to_string())
}

/// Copies doubles to the guest.
pub fn write_doubles(memory: &mut [u8], ptr: u32, values: &[f64]) -> Result<(), String> {
    memory::write_doubles(memory, ptr, values).map_err(|stop| stop.to_string())
}

/// One element of a guest's array.
pub fn read_element(memory: &[u8], ptr: u32, index: u32, size: u32) -> Result<&[u8], String> {
    memory::read_element(memory, ptr, index, size).map_err(|stop| stop.to_string())
}

/// The guest's bytes, to be filled in place.
pub fn slot(memory: &mut [u8], ptr: u32, len: u32) -> Result<&mut [u8], String> {
    memory::slot(memory, ptr, len).map_err(|stop| stop.to_string())
}
