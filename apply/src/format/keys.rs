//! Which keys a file's mappings have: finds one that stands twice, in memory that does not grow with the keys' length. It reads no syntax.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

/// The keys of all mappings of one file, each as 128 bits of two keyed hashes: that two of a million keys meet by chance is less likely
/// than a broken memory, and nobody can choose keys that do.
pub(super) struct Keys {
    seeds: (RandomState, RandomState),
    seen: HashSet<(u64, u64)>,
    mappings: u64,
}

impl Keys {
    /// None yet.
    pub(super) fn new() -> Keys {
        Keys { seeds: (RandomState::new(), RandomState::new()), seen: HashSet::new(), mappings: 0 }
    }

    /// A number for a mapping that begins.
    pub(super) fn mapping(&mut self) -> u64 {
        self.mappings += 1;
        self.mappings
    }

    /// Adds a key of a mapping; false if it has it already.
    pub(super) fn insert(&mut self, mapping: u64, key: impl Hash) -> bool {
        let key = (mapping, key);
        self.seen.insert((self.seeds.0.hash_one(&key), self.seeds.1.hash_one(&key)))
    }
}
