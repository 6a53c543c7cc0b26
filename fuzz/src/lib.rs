//! What the fuzz targets share: doors to the readers, generators of structured input, and the invariants that every accepted input
//! must keep. A broken one is a panic, which is how a target reports.
#![forbid(unsafe_code)]

pub mod config;
pub mod plugin;
pub mod round;

/// The host's reader of recorded rounds, taken from its folder: a file taken by path could not have files below it.
#[path = "../../src/journal"]
pub mod journal {
    #[rustfmt::skip]
    pub mod record;
}

pub mod admitted;
pub mod answers;
pub mod free;
pub mod tables;
pub mod wasm;

/// The longest message that a refusal may have, in bytes: a page of text. Guests choose names and values; what is told of them must
/// not grow with them.
pub const MAX_MESSAGE_BYTES: usize = 4_000;
