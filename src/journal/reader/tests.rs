//! Reading beside a writer, from both ends, by round, and around what is missing.

use std::sync::Arc;

use super::super::DIRECTORY;
use super::super::record::tests::{bare, large};
use super::super::ring::{MIN_CAP_BYTES, Ring};
use super::*;
use crate::storage::Storage;

/// A journal of these rounds, with the ring that still holds it.
fn journal(rounds: &[(u64, u64)]) -> (tempfile::TempDir, Ring) {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = Ring::open(Arc::new(Storage::open(dir.path()).unwrap()), MIN_CAP_BYTES).unwrap().0;
    for (term, round) in rounds {
        ring.append(&bare(*term, *round)).unwrap();
    }
    (dir, ring)
}

fn reader(dir: &tempfile::TempDir) -> Reader {
    Reader::open(&dir.path().join(DIRECTORY)).unwrap()
}

fn rounds(records: impl Iterator<Item = Result<Stored, Gap>>) -> Vec<u64> {
    records.map(|record| record.unwrap().about().unwrap().round.0).collect()
}

#[test]
fn from_both_ends_beside_the_writer() {
    let (dir, mut ring) = journal(&[(1, 1), (1, 2), (1, 3)]);
    let read = reader(&dir);
    assert_eq!(rounds(read.oldest_first()), [1, 2, 3]);
    assert_eq!(rounds(read.newest_first()), [3, 2, 1]);
    for (n, expect) in [(0, &[][..]), (2, &[3, 2]), (9, &[3, 2, 1])] {
        assert_eq!(rounds(read.last(n)), expect);
    }
    // An iterator that has begun a segment ends where that ended then.
    let mut begun = read.oldest_first();
    begun.next().unwrap().unwrap();
    ring.append(&bare(1, 4)).unwrap();
    assert_eq!(rounds(begun), [2, 3]);
    assert_eq!(rounds(reader(&dir).oldest_first()), [1, 2, 3, 4]);
}

#[test]
fn the_newest_of_a_round_is_found() {
    let (dir, _ring) = journal(&[(1, 1), (1, 2), (2, 1), (2, 2)]);
    let check = |term: Option<u64>, round: u64, expect: Option<u64>| {
        let found = reader(&dir).find(term, Round(round));
        assert!(found.gaps.is_empty());
        assert_eq!(found.stored.map(|stored| stored.sequence), expect, "{term:?} {round}");
    };
    check(None, 1, Some(3));
    check(Some(1), 1, Some(1));
    check(Some(2), 2, Some(4));
    check(None, 3, None);
    check(Some(3), 1, None);
}

#[test]
fn segments_that_the_writer_removes_meanwhile_are_passed_over() {
    let (dir, mut ring) = journal(&[]);
    // One a segment, and four of them under the cap.
    for round in 1..=8 {
        ring.append(&large(round, 60_000)).unwrap();
    }
    let mut begun = reader(&dir).oldest_first();
    assert_eq!(begun.next().unwrap().unwrap().sequence, 5);
    ring.append(&large(9, 60_000)).unwrap();
    ring.append(&large(10, 60_000)).unwrap();
    assert_eq!(rounds(begun), [7, 8]);
    assert_eq!(rounds(reader(&dir).oldest_first()), [7, 8, 9, 10]);
}

#[test]
fn an_unfinished_end_is_a_gap_only_where_nobody_can_be_writing() {
    let (dir, mut ring) = journal(&[(1, 1)]);
    let first = ring.bytes();
    ring.append(&bare(1, 2)).unwrap();
    let path = dir.path().join(DIRECTORY).join(segment::file_name(1));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(rounds(reader(&dir).newest_first()), [1]);
    fs::write(dir.path().join(DIRECTORY).join(segment::file_name(7)), "").unwrap();
    let read: Vec<_> = reader(&dir).oldest_first().collect();
    let message = read[1].as_ref().unwrap_err().to_string();
    let expect = format!("the journal {} cannot be read at byte {first}: the record there was not written to its end", path.display());
    assert!(read.len() == 2 && message.starts_with(&expect), "{message}");
}

#[test]
fn no_directory_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let message = Reader::open(&dir.path().join("journal")).unwrap_err().to_string();
    assert!(message.contains(&dir.path().join("journal").display().to_string()), "{message}");
}
