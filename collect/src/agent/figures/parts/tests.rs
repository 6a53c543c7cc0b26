//! Parts in any order, twice, late, and not at all.

use proptest::prelude::*;
use verwalter_core::digest::Digest;

use super::*;

const ID: NodeId = NodeId::from_bytes([1; 16]);

fn head(seq: u32, parts: u8) -> Head {
    Head { digest: Digest::of(b""), seq, age_ms: 0, facts: 0, parts }
}

proptest! {
    #[test]
    fn a_row_is_whole_whatever_order_its_parts_come_in(order in Just((0_u8..5).collect::<Vec<_>>()).prop_shuffle(), twice in 0_u8..5) {
        let mut parts = Parts::default();
        let mut whole = None;
        for part in order {
            whole = parts.add(Duration::ZERO, ID, head(1, 5), part, &[part, part]).expect("a part");
            if part == twice && whole.is_none() {
                prop_assert_eq!(parts.add(Duration::ZERO, ID, head(1, 5), part, &[9]), Err(Cause::Old));
            }
        }
        prop_assert_eq!(whole, Some(vec![0, 0, 1, 1, 2, 2, 3, 3, 4, 4]));
        prop_assert_eq!(parts.bytes, 0);
    }
}

#[test]
fn a_lost_part_loses_its_row_only() {
    let mut parts = Parts::default();
    assert_eq!(parts.add(Duration::ZERO, ID, head(1, 2), 0, b"a"), Ok(None));
    // The next row comes before the first one is given up.
    assert_eq!(parts.add(Duration::ZERO, ID, head(2, 2), 1, b"d"), Ok(None));
    assert_eq!(parts.add(Duration::ZERO, ID, head(1, 2), 1, b"b"), Err(Cause::Old));
    assert_eq!(parts.add(Duration::ZERO, ID, head(2, 2), 0, b"c"), Ok(Some(b"cd".to_vec())));
    assert_eq!(parts.add(Duration::ZERO, ID, head(3, 2), 0, b"e"), Ok(None));
    assert_eq!(parts.expire(DEADLINE), 0);
    assert_eq!(parts.expire(2 * DEADLINE), 1);
    assert_eq!((parts.bytes, parts.rows.len()), (0, 0));
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let mut parts = Parts::default();
    assert_eq!(parts.add(Duration::ZERO, ID, head(1, 2), 0, b"a"), Ok(None));
    assert_eq!(parts.add(Duration::ZERO, ID, head(1, 3), 1, b"b"), Err(Cause::Malformed));
    assert_eq!(parts.add(Duration::ZERO, ID, head(1, 2), 1, b"b"), Ok(Some(b"ab".to_vec())));
}

#[test]
fn memory_is_bounded_over_all_peers() {
    let mut parts = Parts::default();
    let piece = vec![0; 1_300];
    let mut refused = 0_u32;
    for peer in 0..16_000_u128 {
        let id = NodeId::from_bytes(peer.to_be_bytes());
        refused += u32::from(parts.add(Duration::ZERO, id, head(1, 64), 0, &piece) == Err(Cause::Crowded));
    }
    assert!(refused > 0 && parts.bytes <= MAX_BYTES);
    parts.expire(2 * DEADLINE);
    assert_eq!(parts.add(2 * DEADLINE, ID, head(1, 64), 0, &piece), Ok(None));
}
