//! Rows there and back, in all the room they want and in less.

use proptest::prelude::*;

use super::*;

/// `f64` with its bits, since NaN equals nothing.
fn bits(packed: &Packed) -> String {
    let values: Vec<u64> = packed.row.values.iter().map(|value| value.to_bits()).collect();
    format!("{values:x?} {packed:?}")
}

prop_compose! {
    fn rows()(
        values in prop::collection::vec(any::<f64>(), 0..40),
        groups in prop::collection::vec((0_u16..9, prop::collection::vec(".{0,12}", 1..3), any::<f64>()), 0..40),
        samples in prop::collection::vec((0_u16..9, prop::collection::vec(any::<f64>(), 0..120)), 0..9),
        unmatched in prop::collection::vec(0_u16..40, 0..5),
        left_out in prop::collection::btree_map(0_u16..9, 1_u32..9, 0..4),
    ) -> Row {
        let mut groups: Vec<_> = groups.into_iter().map(|(query, group, value)| GroupValue { query, group, value }).collect();
        groups.sort_by(|a, b| (a.query, &a.group).cmp(&(b.query, &b.group)));
        let samples = samples.into_iter().map(|(query, values)| Samples { query, group: Vec::new(), values }).collect();
        let left_out = left_out.into_iter().map(|(query, groups)| LeftOut { query, groups }).collect();
        Row { values, groups, samples, unmatched, left_out }
    }
}

proptest! {
    #[test]
    fn a_row_is_read_as_it_was_written(row in rows()) {
        let bytes = write(&row, usize::MAX).expect("there is room");
        prop_assert_eq!(bits(&read(&bytes).expect("own bytes")), bits(&Packed { row, cut: 0 }));
    }

    #[test]
    fn little_room_costs_groups_and_samples_which_are_counted(row in rows(), room in 0_usize..3_000) {
        let Some(bytes) = write(&row, room) else {
            let least = write(&Row { groups: Vec::new(), samples: Vec::new(), ..row }, usize::MAX).expect("room").len();
            prop_assert!(room < least);
            return Ok(());
        };
        prop_assert!(bytes.len() <= room);
        let packed = read(&bytes).expect("own bytes");
        prop_assert_eq!(packed.row.values.len(), row.values.len());
        prop_assert_eq!(packed.row.samples.len() + usize::from(packed.cut), row.samples.len());
        prop_assert!(row.groups.len() >= packed.row.groups.len());
        let told = |row: &Row| row.left_out.iter().map(|left| left.groups as usize).sum::<usize>();
        prop_assert!(told(&packed.row) <= told(&row) + row.groups.len() - packed.row.groups.len());
    }

    #[test]
    fn noise_is_refused_or_read_but_never_grows(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(packed) = read(&bytes) {
            prop_assert!(packed.row.values.len() * 8 <= bytes.len());
            prop_assert!(packed.row.groups.len() * 11 <= bytes.len());
        }
    }

    #[test]
    fn a_row_with_a_piece_missing_is_refused(row in rows(), cut in any::<prop::sample::Index>()) {
        let bytes = write(&row, usize::MAX).expect("there is room");
        prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
