//! The host's reader of recorded input documents, taken by path.

#[rustfmt::skip]
#[path = "../../src/round/recorded.rs"]
pub mod recorded;
