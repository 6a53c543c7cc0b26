//! Torn lines, full disks, symlinks, and whatever else a log directory may hold.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use tracing::span;

use super::*;

fn append(path: &Path, bytes: &[u8]) {
    fs::OpenOptions::new().append(true).open(path).expect("opened").write_all(bytes).expect("written");
}

#[test]
fn torn_lines_are_ended_and_skipped() {
    let here = Here::new(Limits::default());
    here.deploy("d1", "web", "x", at(0));
    for name in [".index/latest", ".global/latest", "web/latest"] {
        append(&here.path(name), b"[\"2026-11-22T15:48:02.123Z\",\"d");
    }
    here.deploy("d2", "web", "y", at(1));
    let found = here.reader().last(&Filter::default(), 100).expect("read");
    assert_eq!((found.entries.len(), found.skipped), (8, 1));
    for entry in &found.entries {
        let text = here.reader().text(&entry.pointer, None, 200).expect("there").text;
        assert!(text.contains(&format!("{} -----------", entry.marker)) && text.starts_with("2026-"), "{entry:?}: {text}");
    }
}

#[test]
fn what_is_no_line_is_skipped_in_bounded_memory() {
    let here = Here::new(Limits::default());
    here.deploy("d1", "web", "x", at(0));
    let index = here.path(".index/latest");
    append(&index, &[0xff, b'\n', b'{', b'}', b'\n']);
    append(&index, &vec![b'['; 3 * tail::CHUNK_BYTES + 17]);
    append(&index, b"\n");
    here.deploy("d2", "web", "x", at(1));
    let found = here.reader().last(&Filter::default(), 100).expect("read");
    assert_eq!((found.entries.len(), found.skipped), (8, 2), "the long one is none of those that were read");
    let mut tail = here.reader().start(Stream::Index);
    let mut followed = Vec::new();
    while let Some(entries) = Some(here.reader().follow(&mut tail, &Filter::default()).expect("read")).filter(|entries| !entries.is_empty())
    {
        followed.extend(entries);
    }
    assert_eq!(followed, found.entries);
}

#[test]
fn nothing_outside_of_the_directory_is_touched() {
    let here = Here::new(Limits::default());
    let outside = here.temp.path().join("outside");
    fs::create_dir(&outside).expect("made");
    fs::write(outside.join("log.20261122154802.txt"), "theirs\n").expect("written");
    symlink(&outside, here.path("web")).expect("linked");
    fs::create_dir(here.path("db")).expect("made");
    symlink(outside.join("log.20261122154802.txt"), here.path("db/log.20261122154802.txt")).expect("linked");
    fs::create_dir(here.path("dir")).expect("made");
    fs::create_dir(here.path("dir/log.20261122154802.txt")).expect("made");
    let mut deployment = here.begin("d1", at(0));
    for name in ["web", "db", "dir", "good"] {
        let mut log = deployment.role(&role(name), 1, "test", at(0));
        log.note("note", "x", at(0));
        log.finish(Outcome::Done, None, at(0));
    }
    let summary = deployment.finish(at(1));
    assert!(summary.logged && summary.failures > 0);
    let failures = here.log.failures();
    assert_eq!(failures.count, summary.failures);
    assert!(failures.last.expect("told").contains("log/dir: "), "the file is named");
    assert_eq!(fs::read_to_string(outside.join("log.20261122154802.txt")).expect("there"), "theirs\n");
    assert_eq!(fs::read_dir(&outside).expect("listed").count(), 1);
    let reader = here.reader();
    assert!(here.text("good/latest").contains("note: x"), "the others are logged");
    assert!(reader.text(&Pointer::Role(role("web"), "20261122154802".to_owned(), 0), None, 100).is_err());
    assert!(reader.text(&Pointer::Role(role("db"), "20261122154802".to_owned(), 0), None, 100).is_err());
    let _ = here.log.prune(&Default::default(), at(1000 * DAY));
    assert_eq!(fs::read_dir(&outside).expect("listed").count(), 1);
}

#[test]
fn a_log_that_vanished_is_begun_anew() {
    let here = Here::new(Limits::default());
    here.deploy("d1", "web", "x", at(0));
    fs::remove_dir_all(here.path("")).expect("removed");
    here.deploy("d2", "web", "x", at(1));
    assert_eq!(here.reader().last(&Filter::default(), 100).expect("read").entries.len(), 4);
}

/// A file system of 256 KiB, unmounted at the end.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Small> {
        let temp = tempfile::tempdir().expect("a directory");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(temp.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Small(temp))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_stops_nothing_and_the_log_goes_on_after_it() {
    let Some(small) = Small::mount() else {
        eprintln!("skipped: no file system can be mounted here");
        return;
    };
    let log = DeploymentLog::open(&small.0.path().join("log"), Limits::default()).expect("opened");
    let deploy = |id: &str, millis: u64| {
        let mut deployment = log.begin(id, Some(schedule()), unmasked(), at(millis));
        let mut web = deployment.role(&role("web"), 1, "test", at(millis));
        web.note("note", &"x\n".repeat(500), at(millis));
        web.finish(Outcome::Done, None, at(millis));
        deployment.finish(at(millis))
    };
    assert_eq!(deploy("before", 0).failures, 0);
    let ballast = small.0.path().join("ballast");
    let mut going_on = log.begin("going on", None, unmasked(), at(0));
    let mut db = going_on.role(&role("db"), 1, "test", at(0));
    db.note("before", "x", at(0));
    assert!(fs::write(&ballast, vec![0; 1 << 20]).is_err(), "it is full");
    db.note("during", &"x\n".repeat(5000), at(0));
    let full = (0..20).map(|n| deploy("full", n).failures).sum::<u64>();
    assert!(full > 0);
    assert_eq!(log.failures().count, full + 1);
    let told = log.failures().last.expect("told");
    assert!(told.contains("os error 28"), "{told}");
    fs::remove_file(&ballast).expect("removed");
    db.note("after", "x", at(0));
    db.finish(Outcome::Done, None, at(0));
    assert_eq!(going_on.finish(at(0)).failures, 1, "what comes after it is written");
    let text = fs::read_to_string(small.0.path().join("log/db/latest")).expect("text");
    assert!(text.contains("+++ debug start: \"during\" +++\n") && !text.contains("+++ debug end"), "torn in its midst");
    assert!(text.contains("\nafter: x\n"), "on a line of its own");
    assert_eq!(deploy("after", 30).failures, 0);
    let reader = LogReader::open(&small.0.path().join("log")).expect("opened");
    let filter = Filter { deployment: Some("after".to_owned()), ..Filter::default() };
    let found = reader.last(&filter, 100).expect("read");
    assert_eq!(found.entries.len(), 4);
    for entry in &found.entries {
        let text = reader.text(&entry.pointer, None, 200).expect("there").text;
        assert!(text.starts_with("2026-") && text.contains(&format!("{} -----------", entry.marker)), "{text}");
    }
}

/// Counts events.
struct Counting(Arc<AtomicUsize>);

impl tracing::Subscriber for Counting {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_spell_of_failures_is_told_once() {
    let here = Here::new(Limits::default());
    fs::write(here.path("web"), "in the way").expect("written");
    let events = Arc::new(AtomicUsize::new(0));
    tracing::subscriber::with_default(Counting(Arc::clone(&events)), || {
        let fail = |n: u64| {
            let mut deployment = here.begin("d", at(n));
            let mut web = deployment.role(&role("web"), 1, "test", at(n));
            web.note("a", "b", at(n));
            web.finish(Outcome::Done, None, at(n));
            assert!(deployment.finish(at(n)).failures > 2);
        };
        fail(0);
        fail(1);
        assert_eq!(events.load(Ordering::Relaxed), 1);
        here.deploy("d", "db", "x", at(2));
        fail(3);
        assert_eq!(events.load(Ordering::Relaxed), 2, "after one that was whole it is news");
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_read_and_written_after(
        index in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'['), Just(b'"'), any::<u8>()], 0..400),
        text in prop::collection::vec(any::<u8>(), 0..400),
        cut in 0_usize..200,
    ) {
        let here = Here::new(Limits::default());
        here.deploy("d1", "web", "x", at(0));
        let whole = fs::read(here.path(".index/latest")).expect("read");
        let whole = &whole[..whole.len() - cut];
        fs::write(here.path(".index/index.20261122.json"), [&index, whole, &index].concat()).expect("written");
        fs::write(here.path("web/log.20261122154802.txt"), &text).expect("written");
        let reader = here.reader();
        let found = reader.last(&Filter::default(), 100).expect("read");
        prop_assert!(found.entries.iter().all(|entry| entry.deployment == "d1"));
        let mut tail = found.tail;
        prop_assert_eq!(reader.follow(&mut tail, &Filter::default()).expect("read"), []);
        here.deploy("d2", "web", "x", at(1));
        let followed = reader.follow(&mut tail, &Filter::default()).expect("read");
        prop_assert_eq!(followed.len(), 4);
        for entry in followed {
            let text = reader.text(&entry.pointer, None, 100).expect("there").text;
            prop_assert!(text.starts_with("2026-11-22T15:48:02.124Z d2 ------------ "), "{}", text);
        }
    }
}
