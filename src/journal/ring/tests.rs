//! The ring under every accident that a small one can be put to: torn, damaged, crowded, without space, cleared behind its back.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::reader::{Gap, Reader};
use super::super::record::tests::{bare, large};
use super::*;

fn storage(dir: &Path) -> Arc<Storage> {
    Arc::new(Storage::open(dir).unwrap())
}

fn open(dir: &Path) -> (Ring, Option<Repair>) {
    Ring::open(storage(dir), MIN_CAP_BYTES).unwrap()
}

/// The rounds that can be read, oldest first, and how many gaps there are.
fn rounds(dir: &Path) -> (Vec<u64>, usize) {
    let read: Vec<_> = Reader::open(&dir.join(DIRECTORY)).unwrap().oldest_first().collect();
    let mut gaps = read.iter().filter(|item| item.is_err()).count();
    let mut backwards: Vec<_> = Reader::open(&dir.join(DIRECTORY)).unwrap().newest_first().collect();
    backwards.reverse();
    let number = |item: Result<super::super::Stored, Gap>| item.ok().map(|stored| stored.record().unwrap().about.round.0);
    let numbers: Vec<u64> = read.into_iter().filter_map(number).collect();
    gaps += usize::from(backwards.into_iter().filter_map(number).ne(numbers.iter().copied())) * 1000;
    (numbers, gaps)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir.join(DIRECTORY)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Three small rounds in one segment, as its bytes, and where each frame ends.
fn three() -> (Vec<u8>, Vec<usize>) {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path()).0;
    let ends: Vec<usize> = (1..=3).map(|round| ring.append(&bare(1, round)).map(|_| ring.bytes() as usize).unwrap()).collect();
    (fs::read(&segments(dir.path())[0]).unwrap(), ends)
}

#[test]
fn records_come_back_in_order_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=4 {
        let (mut ring, repair) = open(dir.path());
        assert_eq!(repair, None);
        let appended = ring.append(&bare(1, round)).unwrap();
        assert_eq!(appended.sequence, round);
        assert_eq!(appended.body_bytes, bare(1, round).encode().len() as u64);
    }
    assert_eq!(rounds(dir.path()), (vec![1, 2, 3, 4], 0));
    assert_eq!(segments(dir.path()).len(), 1);
}

#[test]
fn the_cap_holds_and_the_oldest_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path()).0;
    for round in 1..=40 {
        // Of very different sizes, the largest near what one may have.
        ring.append(&large(round, [300, 20_000, 60_000, 5_000][round as usize % 4])).unwrap();
        let on_disk: u64 = segments(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert_eq!(on_disk, ring.bytes());
        assert!(on_disk <= MIN_CAP_BYTES, "{on_disk}");
    }
    let (kept, gaps) = rounds(dir.path());
    assert_eq!(gaps, 0);
    assert_eq!(kept, (kept[0]..=40).collect::<Vec<_>>(), "the newest, without a hole");
    let bytes: u64 = kept.iter().map(|round| [300, 20_000, 60_000, 5_000][*round as usize % 4]).sum();
    assert!(bytes > MIN_CAP_BYTES / 2, "most of the room is used: {bytes}");
}

#[test]
fn a_smaller_cap_holds_from_the_next_append_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = Ring::open(storage(dir.path()), 1 << 20).unwrap().0;
    for round in 1..=20 {
        ring.append(&large(round, 50_000)).unwrap();
    }
    drop(ring);
    let mut ring = open(dir.path()).0;
    assert!(ring.bytes() > 900_000, "{}", ring.bytes());
    ring.append(&bare(1, 21)).unwrap();
    assert!(ring.bytes() <= MIN_CAP_BYTES, "{}", ring.bytes());
    assert_eq!(rounds(dir.path()).0.last(), Some(&21));
}

#[test]
fn a_record_too_large_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path()).0;
    ring.append(&bare(1, 1)).unwrap();
    let before = fs::read(&segments(dir.path())[0]).unwrap();
    let message = ring.append(&large(2, 70_000)).unwrap_err().to_string();
    assert!(message.contains("more than the 65536 that one may have in a journal of 262144 bytes"), "{message}");
    assert_eq!(fs::read(&segments(dir.path())[0]).unwrap(), before);
    // What compresses counts as what it takes.
    ring.append(&Record { runtime: "x".repeat(1 << 20).into(), ..bare(1, 3) }).unwrap();
    assert_eq!(rounds(dir.path()), (vec![1, 3], 0));
}

/// Puts `bytes` in place of a journal, opens it, appends round 9, and says which rounds are there then.
fn after(bytes: &[u8]) -> (Vec<u64>, usize, Option<Repair>) {
    // In memory where that can be had: a disk would be asked to sync some thousand times.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    fs::create_dir(dir.path().join(DIRECTORY)).unwrap();
    fs::write(dir.path().join(name(1)), bytes).unwrap();
    // A reader may come before the daemon.
    rounds(dir.path());
    let (mut ring, repair) = open(dir.path());
    ring.append(&bare(1, 9)).unwrap();
    let (numbers, gaps) = rounds(dir.path());
    (numbers, gaps, repair)
}

#[test]
fn cut_at_every_byte_the_whole_records_before_it_stay() {
    let (bytes, ends) = three();
    for length in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        let (numbers, gaps, repair) = after(&bytes[..length]);
        assert_eq!((numbers, gaps), ((1..=whole as u64).chain([9]).collect(), 0), "cut to {length}");
        let torn = length - whole.checked_sub(1).map_or(0, |last| ends[last]);
        match repair {
            None => assert_eq!(torn, 0, "cut to {length}"),
            Some(Repair::Cut { bytes, .. }) => assert_eq!(bytes, torn as u64, "cut to {length}"),
            Some(Repair::Left { .. }) => panic!("cut to {length}"),
        }
    }
}

#[test]
fn damaged_at_every_byte_the_other_records_stay() {
    let (bytes, ends) = three();
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0x40;
        let hit = ends.iter().position(|end| index < *end).unwrap();
        let begin = hit.checked_sub(1).map_or(0, |before| ends[before]);
        let in_header = index - begin < HEADER_BYTES;
        let (numbers, gaps, repair) = after(&damaged);
        // A damaged header hides what follows; a damaged payload only itself. The last record looks torn and is cut off.
        let seen: Vec<u64> = (0..3).filter(|i| *i < hit || (*i > hit && !in_header)).map(|i| i as u64 + 1).chain([9]).collect();
        assert_eq!(numbers, seen, "byte {index}");
        // An unknown version says nothing of lengths: it is never cut.
        let version = (4..8).contains(&(index - begin));
        assert_eq!(gaps, usize::from(hit < 2 || version), "byte {index}");
        assert_eq!(matches!(repair, Some(Repair::Left { .. })), in_header && (hit < 2 || version), "byte {index}: {repair:?}");
    }
}

#[test]
fn garbage_after_the_last_record_is_cut_off() {
    let (bytes, ends) = three();
    let first = &bytes[..ends[0]];
    let check = |tail: &[u8], cut: bool| {
        let (numbers, gaps, repair) = after(&[&bytes[..], tail].concat());
        assert_eq!((numbers, gaps), (vec![1, 2, 3, 9], usize::from(!cut)));
        assert_eq!(matches!(repair, Some(Repair::Cut { .. })), cut, "{repair:?}");
    };
    // What a file system leaves of a write that it only made room for.
    check(&[0; 5000], true);
    check(&[0xff; 100], true);
    check(b"vwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjrvwjr", false);
    // A record of elsewhere is no torn one: not ours to remove.
    check(first, false);
    check(&[&[0; 10], first].concat(), false);
}

#[test]
fn a_segment_of_another_program_is_left_alone() {
    let (numbers, gaps, repair) = after(&[b"vwjr\x02\0\0\0".as_slice(), &[7; 500]].concat());
    assert_eq!((numbers, gaps), (vec![9], 1));
    assert!(matches!(repair, Some(Repair::Left { offset: 0, .. })), "{repair:?}");
}

#[test]
fn other_files_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(DIRECTORY)).unwrap();
    fs::write(dir.path().join(DIRECTORY).join("README"), "mine").unwrap();
    let mut ring = open(dir.path()).0;
    ring.append(&bare(1, 1)).unwrap();
    assert_eq!(ring.bytes(), fs::metadata(dir.path().join(name(1))).unwrap().len());
    assert_eq!(rounds(dir.path()), (vec![1], 0));
    assert_eq!(fs::read_to_string(dir.path().join(DIRECTORY).join("README")).unwrap(), "mine");
}

#[test]
fn a_journal_cleared_while_it_is_written_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path()).0;
    ring.append(&bare(1, 1)).unwrap();
    fs::remove_dir_all(dir.path().join(DIRECTORY)).unwrap();
    let appended = ring.append(&bare(1, 2)).unwrap();
    assert_eq!(appended.sequence, 2);
    assert_eq!(rounds(dir.path()), (vec![2], 0));
    assert_eq!(ring.bytes(), appended.bytes);
}

fn mount(args: &[&str], path: &Path) -> bool {
    Command::new("mount").args(args).arg(path).output().is_ok_and(|output| output.status.success())
}

struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn without_space_nothing_is_half_written_and_it_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join(DIRECTORY);
    fs::create_dir(&journal).unwrap();
    if !mount(&["-t", "tmpfs", "-o", "size=96k,mode=0755", "none"], &journal) {
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    let _disk = SmallDisk(journal.clone());
    let mut ring = open(dir.path()).0;
    let mut last = 0;
    let error = loop {
        match ring.append(&large(last + 1, 9_000)) {
            Ok(_) => last += 1,
            Err(err) => break err,
        }
    };
    let newest = segments(dir.path()).pop().unwrap();
    let message = error.to_string();
    assert!(message.contains("cannot be written: check that it is on a writable disk with space left"), "{message}");
    assert!(message.contains(&newest.display().to_string()), "{message}");
    assert!(last >= 5, "the disk holds some: {last}");
    let whole: Vec<u64> = (1..=last).collect();
    assert_eq!(rounds(dir.path()), (whole.clone(), 0), "no part of the record that did not fit is left");
    let sizes: u64 = segments(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(sizes, ring.bytes());

    // A file system with a file that is open for writing does not become read-only: it is closed and opened again.
    drop(ring);
    assert!(mount(&["-o", "remount,ro", "none"], &journal));
    let message = Ring::open(storage(dir.path()), MIN_CAP_BYTES).unwrap_err().to_string();
    assert!(message.contains(&format!("{} cannot be opened", newest.display())), "{message}");
    assert_eq!(rounds(dir.path()), (whole, 0));
    assert!(mount(&["-o", "remount,rw", "none"], &journal));
    let mut ring = open(dir.path()).0;
    ring.append(&large(last + 1, 9_000)).unwrap_err();

    assert!(mount(&["-o", "remount,size=1m", "none"], &journal));
    let appended = ring.append(&large(last + 1, 9_000)).unwrap();
    assert_eq!(appended.sequence, last + 1, "a record that was not written has no number");
    assert_eq!(rounds(dir.path()), ((1..=last + 1).collect(), 0));
    drop(ring);
    assert_eq!(open(dir.path()).1, None, "there is nothing to mend");
}
