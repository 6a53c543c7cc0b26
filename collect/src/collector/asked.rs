//! Which rules were answered. It asks nothing.

/// The generation of the rules that the queries in force were made of, and of the newest before them that was answered. Rules are answered
/// when a report of the default source was, or when that source has swept twice for nothing: the sweep under way may have begun before.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) former: u64,
    pub(super) newest: u64,
    pub(super) sweeps: u32,
}

impl Asked {
    pub(super) fn answered(&self, is_answered: bool) -> u64 {
        if is_answered || self.sweeps >= 2 { self.newest } else { self.former }
    }
}
