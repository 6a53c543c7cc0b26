//! JSON with one meaning: the canonical form that digests are made of, and reading that refuses what would not survive it.

pub mod canonical;
pub mod strict;
pub mod text;

/// The greatest integer magnitude that JSON carries exactly everywhere: 2^53. Beyond it doubles have gaps.
pub const MAX_INTEGER: u64 = 1 << 53;
