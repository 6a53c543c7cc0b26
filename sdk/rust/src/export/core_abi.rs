//! The core ABI: plain exports and imports over the module's memory, for hosts and tools that read core modules only.
//!
//! It is the only file with unsafe code, and only in builds for WebAssembly with the feature `core-abi`: memory that crosses the
//! border has no other name than its address. It never trusts a length that it did not allocate.
#![expect(unsafe_code, reason = "the ABI passes addresses")]

use crate::export::{Described, Filters, Policy, Query, Scheduler};
use crate::host::{Host, Labels};
use crate::json;
use crate::log::Level;

mod imports {
    #[link(wasm_import_module = "verwalter")]
    unsafe extern "C" {
        /// Writes `min(values, out_cap)` doubles at `out` and returns how many values there are, −1 where there is no such column.
        pub(super) fn column(name: *const u8, name_len: usize, out: *mut f64, out_cap: usize) -> i32;
        /// Writes the packed list at `out` if it fits in `out_cap` bytes, and returns its length; −1 where nothing is known.
        pub(super) fn attribute(name: *const u8, name_len: usize, out: *mut u8, out_cap: usize) -> i32;
        pub(super) fn log(level: i32, text: *const u8, text_len: usize);
    }
}

/// The host's imports.
#[derive(Debug)]
pub struct Imports;

impl Host for Imports {
    fn hostnames(&self) -> Labels {
        self.attribute("hostname")
    }

    fn attribute(&self, name: &str) -> Labels {
        // The first call asks for the size: cheaper than to zero room for the largest cluster.
        let mut packed = Vec::new();
        loop {
            // SAFETY: both addresses belong to live buffers of the lengths passed along, and the host writes no further.
            let needed = unsafe { imports::attribute(name.as_ptr(), name.len(), packed.as_mut_ptr(), packed.len()) };
            let Ok(needed) = usize::try_from(needed) else { return Labels::default() };
            if needed <= packed.len() {
                packed.truncate(needed);
                return Labels::unpack(&packed).unwrap_or_default();
            }
            packed.resize(needed, 0);
        }
    }

    fn column(&self, name: &str) -> Option<Vec<f64>> {
        let mut values = Vec::new();
        loop {
            // SAFETY: as above; `out_cap` counts doubles.
            let there = unsafe { imports::column(name.as_ptr(), name.len(), values.as_mut_ptr(), values.len()) };
            let there = usize::try_from(there).ok()?;
            if there <= values.len() {
                values.truncate(there);
                return Some(values);
            }
            values.resize(there, 0.0);
        }
    }

    fn log(&self, level: Level, text: &str) {
        // SAFETY: the host reads `text.len()` bytes of a live text.
        unsafe { imports::log(level as i32, text.as_ptr(), text.len()) }
    }
}

/// Memory for the host to write an argument into; the host frees it after the call, or drops the instance.
#[unsafe(no_mangle)]
extern "C" fn vw_alloc(len: usize) -> *mut u8 {
    Box::leak(vec![0; len].into_boxed_slice()).as_mut_ptr()
}

/// Frees what `vw_alloc` or an answer gave.
#[unsafe(no_mangle)]
extern "C" fn vw_free(ptr: *mut u8, len: usize) {
    // SAFETY: the contract: `ptr` and `len` are those of a boxed slice that was leaked here, freed once.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len)) });
}

/// Marks the ABI and its version.
#[unsafe(no_mangle)]
extern "C" fn vw_abi_1() {}

/// The argument of a call, as text.
fn argument(ptr: *const u8, len: usize) -> Result<&'static str, String> {
    if len == 0 {
        return Ok("");
    }
    // SAFETY: the host wrote `len` bytes into memory that `vw_alloc` gave it and frees it after the call at the earliest.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
    std::str::from_utf8(bytes).map_err(|err| format!("the argument is no UTF-8: {err}"))
}

/// Packs an answer: low 32 bits address, high 32 bits length; the first byte says 0 = ok, 1 = error.
fn pack(answer: Result<String, String>) -> i64 {
    let (mark, text) = match answer {
        Ok(text) => (0, text),
        Err(text) => (1, text),
    };
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.push(mark);
    bytes.extend_from_slice(text.as_bytes());
    let bytes = Box::leak(bytes.into_boxed_slice());
    ((bytes.len() as i64) << 32) | (bytes.as_mut_ptr() as usize as i64)
}

/// Answers `vw_schedule`.
pub fn schedule<P: Scheduler>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(|input| P::schedule(&Imports, input)))
}

/// Answers `vw_review`.
pub fn review<P: Policy>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(|input| P::review(&Imports, input)))
}

/// Answers `vw_query`.
pub fn query<P: Query>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(P::query))
}

/// Answers `vw_render_roles`.
pub fn render_roles<P: Query>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(P::render_roles))
}

/// Answers `vw_filters`.
pub fn filters<P: Filters>() -> i64 {
    let mut names = String::new();
    json::write_list(P::NAMES.iter().copied(), &mut names);
    pack(Ok(names))
}

#[derive(serde::Deserialize)]
struct Apply<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    args: &'a serde_json::value::RawValue,
}

/// Answers `vw_apply`.
pub fn apply<P: Filters>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(|text| {
        let call: Apply<'_> = serde_json::from_str(text).map_err(|err| format!("the call: {err}"))?;
        P::apply(&call.name, call.args.get())
    }))
}

/// Answers `vw_describe`.
pub fn describe<P: Described>() -> i64 {
    pack(Ok(P::describe()))
}

/// Answers `vw_check_config`.
pub fn check_config<P: Described>(ptr: *const u8, len: usize) -> i64 {
    crate::export::connect(&Imports);
    pack(argument(ptr, len).and_then(|config| P::check_config(config)).map(|()| String::new()))
}

/// Exports a plugin's core module.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (described $plugin:ident) => {
        #[unsafe(no_mangle)]
        extern "C" fn vw_describe(_: *const u8, _: usize) -> i64 {
            $crate::export::core_abi::describe::<$plugin>()
        }

        #[unsafe(no_mangle)]
        extern "C" fn vw_check_config(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::check_config::<$plugin>(ptr, len)
        }
    };
    (scheduler $plugin:ident) => {
        $crate::__export!(described $plugin);

        #[unsafe(no_mangle)]
        extern "C" fn vw_schedule(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::schedule::<$plugin>(ptr, len)
        }
    };
    (policy $plugin:ident) => {
        $crate::__export!(described $plugin);

        #[unsafe(no_mangle)]
        extern "C" fn vw_review(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::review::<$plugin>(ptr, len)
        }
    };
    (filters $plugin:ident) => {
        $crate::__export!(described $plugin);

        #[unsafe(no_mangle)]
        extern "C" fn vw_filters(_: *const u8, _: usize) -> i64 {
            $crate::export::core_abi::filters::<$plugin>()
        }

        #[unsafe(no_mangle)]
        extern "C" fn vw_apply(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::apply::<$plugin>(ptr, len)
        }
    };
    (query $plugin:ident) => {
        $crate::__export!(described $plugin);

        #[unsafe(no_mangle)]
        extern "C" fn vw_query(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::query::<$plugin>(ptr, len)
        }

        #[unsafe(no_mangle)]
        extern "C" fn vw_render_roles(ptr: *const u8, len: usize) -> i64 {
            $crate::export::core_abi::render_roles::<$plugin>(ptr, len)
        }
    };
}
