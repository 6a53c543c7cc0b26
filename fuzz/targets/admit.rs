//! A scheduler's answer as bytes: read against several clusters and under several budgets.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use verwalter_core::peers::PeerTable;
use verwalter_fuzz::admitted::{admit_bounded, admit_checked};
use verwalter_fuzz::tables::{LIMITS, TIGHT, WIDE, tables};

static TABLES: LazyLock<[PeerTable; 3]> = LazyLock::new(tables);

fuzz_target!(|data: &[u8]| {
    let [none, few, many] = &*TABLES;
    let digest = |known, limits| admit_bounded(data, known, limits).map(|admitted| admitted.schedule.digest());
    let accepted = [digest(none, LIMITS), digest(few, TIGHT), digest(few, LIMITS), digest(many, LIMITS), digest(many, WIDE)];
    // More peers and a wider budget refuse nothing that was accepted, and change nothing.
    for (less, more) in [(0, 3), (1, 2), (2, 3), (3, 4)] {
        if accepted[less].is_some() {
            assert_eq!(accepted[less], accepted[more], "cases {less} and {more}");
        }
    }
    let (known, limits) = if accepted[1].is_some() { (few, TIGHT) } else { (many, LIMITS) };
    admit_checked(data, known, limits);
});
