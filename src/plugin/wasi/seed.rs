//! The clock and the randomness of one call: both come from its input, so that the same input gives the same answer anywhere.
//! Neither ever looks at this machine.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use verwalter_core::digest::Digest;
use verwalter_core::ids::UnixMillis;

const NANOS_PER_MILLI: u64 = 1_000_000;
/// How much later it is whenever the clock is read: a guest that waits for time to pass must not wait for ever. About what a
/// reading takes.
pub(super) const STEP_NANOS: u64 = 1_000;
/// The last moment: runtimes keep time in signed numbers.
const LAST_NANOS: u64 = i64::MAX as u64;

/// What a call's clock and randomness begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugin) struct Seed {
    now: UnixMillis,
    digest: Digest,
}

impl Seed {
    /// For calls without a document: `describe`, `check_config`, filters. Any moment but 0 would do, which Go takes for a broken
    /// clock; this is 2020-01-01.
    pub(in crate::plugin) const FIXED: Seed = Seed { now: UnixMillis(1_577_836_800_000), digest: Digest::from_bytes([0; 32]) };

    /// For a call that is about `document`: its `now`, and a digest of all of it.
    pub(in crate::plugin) fn of(document: &str) -> Seed {
        #[derive(Deserialize)]
        struct Moment {
            now: UnixMillis,
        }
        let now = serde_json::from_str(document).map_or(Seed::FIXED.now, |Moment { now }| now);
        Seed { now, digest: Digest::of(document.as_bytes()) }
    }

    pub(in crate::plugin) fn clock(&self) -> Clock {
        Clock { nanos: self.now.0.saturating_mul(NANOS_PER_MILLI).min(LAST_NANOS) }
    }

    pub(in crate::plugin) fn random(&self) -> Random {
        Random { seed: self.digest.hex(), blocks: 0, rest: Vec::new() }
    }
}

/// Time that only passes when it is looked at, or slept through.
#[derive(Debug)]
pub(in crate::plugin) struct Clock {
    nanos: u64,
}

impl Clock {
    /// Nanoseconds since the Unix epoch.
    pub(super) fn read(&mut self) -> u64 {
        self.sleep(STEP_NANOS);
        self.nanos
    }

    /// Lets `nanos` pass at once.
    pub(super) fn sleep(&mut self, nanos: u64) {
        self.nanos = self.nanos.saturating_add(nanos).min(LAST_NANOS);
    }

    /// Lets time pass until `nanos` since the epoch.
    pub(super) fn sleep_until(&mut self, nanos: u64) {
        self.nanos = self.nanos.max(nanos.min(LAST_NANOS));
    }
}

/// An endless stream of bytes that look random: SHA-256 of the seed and the number of the block.
#[derive(Debug)]
pub(in crate::plugin) struct Random {
    seed: String,
    blocks: u64,
    /// Of the last block, what was not given out: the stream does not depend on how it is cut.
    rest: Vec<u8>,
}

impl Random {
    pub(super) fn fill(&mut self, mut out: &mut [u8]) {
        while !out.is_empty() {
            if self.rest.is_empty() {
                let block = Sha256::new().chain_update(&self.seed).chain_update(self.blocks.to_le_bytes()).finalize();
                self.blocks += 1;
                self.rest.extend_from_slice(&block);
            }
            let given = self.rest.len().min(out.len());
            let (now, later) = out.split_at_mut(given);
            now.copy_from_slice(&self.rest[..given]);
            self.rest.drain(..given);
            out = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_begins_with_the_document_and_passes_when_looked_at() {
        let check = |document: &str, first| {
            let mut clock = Seed::of(document).clock();
            assert_eq!((clock.read(), clock.read()), (first, first + STEP_NANOS), "{document}");
        };
        check(r#"{"v":1,"now":3000,"peers":{}}"#, 3_000_001_000);
        for without in ["{}", "", r#"{"now":"soon"}"#, r#"{"now":-1}"#] {
            check(without, 1_577_836_800_000_001_000);
        }
    }

    #[test]
    fn time_ends_where_signed_numbers_do() {
        let mut clock = Seed::of(r#"{"now":18446744073709551615}"#).clock();
        assert_eq!(clock.read(), LAST_NANOS);
        let mut clock = Seed::of(r#"{"now":1}"#).clock();
        clock.sleep_until(5_000_000);
        assert_eq!(clock.read(), 5_001_000);
        clock.sleep_until(0);
        assert_eq!(clock.read(), 5_002_000);
        clock.sleep(u64::MAX);
        assert_eq!(clock.read(), LAST_NANOS);
    }

    #[test]
    fn randomness_is_the_inputs_and_does_not_depend_on_how_it_is_cut() {
        let take = |document: &str, cuts: &[usize]| -> Vec<u8> {
            let mut random = Seed::of(document).random();
            let mut bytes = Vec::new();
            for cut in cuts {
                let mut part = vec![0; *cut];
                random.fill(&mut part);
                bytes.extend(part);
            }
            bytes
        };
        let whole = take("{}", &[100]);
        assert_eq!(take("{}", &[1, 31, 0, 33, 35]), whole);
        assert_ne!(take("[]", &[100]), whole);
        assert_ne!(whole[..32], whole[32..64]);
        // Recorded: what was decided with these bytes must be decided with them next year.
        let hex: String = whole.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3d9c91c6c33d668a");
    }
}
