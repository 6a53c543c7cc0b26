//! Stops at every step of a swap, an undo and a finish, in this process and in one that is killed; afterwards everything is old, or new.

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use rustix::io::Errno;

use super::site::{Found, Site, remove, role, write};
use crate::files::{Change, ChangeKind, Direct, Entry, Step, Steps, finish, stage, swap, undo};

/// Lets `left` steps happen and none after them, as if the process had ended.
struct Stop {
    left: Cell<usize>,
    /// Whether the file system lets two files change places.
    capable: bool,
    /// Whether the process really ends.
    kill: bool,
}

impl Stop {
    fn after(left: usize, capable: bool) -> Stop {
        Stop { left: Cell::new(left), capable, kill: false }
    }
}

impl Steps for Stop {
    fn before(&self, step: Step) -> io::Result<()> {
        if !self.capable && matches!(step, Step::Exchange | Step::MoveNew) {
            return Err(Errno::INVAL.into());
        }
        let Some(left) = self.left.get().checked_sub(1) else {
            if self.kill {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).expect("its own process");
            }
            return Err(io::Error::other("stopped"));
        };
        self.left.set(left);
        Ok(())
    }
}

/// A role with everything: files that come, change and go, in two roots, below directories that are missing.
fn prepare(site: &Site) -> Vec<Change> {
    fs::create_dir(site.out("d")).expect("mkdir");
    for name in ["a", "d/b", "gone", "d/gone", "becomes"] {
        fs::write(site.out(name), "old").expect("write");
    }
    fs::write(site.extra("e"), "old").expect("write");
    let mut changes = vec![
        write("a", "new"),
        write("d/b", "new"),
        write("x/y/c", "new"),
        write("x/d", "new"),
        remove("gone", "old"),
        remove("d/gone", "old"),
        remove("becomes", "old"),
        write("becomes/inner", "new"),
        write(&site.extra("e"), "new"),
        write(&site.extra("f"), "new"),
    ];
    for change in &mut changes {
        if let ChangeKind::Write(write) = &mut change.kind {
            write.backups = 1;
        }
    }
    changes
}

/// What a swap that nothing stops makes of the role, with and without its backups.
fn expect(capable: bool) -> (Vec<Found>, Vec<Found>, usize) {
    let site = Site::in_memory();
    let entries = site.stage(&prepare(&site)).expect("staged").into_entries();
    let steps = Stop::after(usize::MAX, capable);
    swap(&entries, &steps).expect("swapped");
    let count = usize::MAX - steps.left.get();
    let swapped = relative(&site);
    finish(&entries, &steps).expect("finished");
    (swapped, relative(&site), count)
}

fn relative(site: &Site) -> Vec<Found> {
    let below = |(path, mode, bytes): Found| (path.strip_prefix(site.temp.path()).expect("below").to_owned(), mode, bytes);
    site.tree().into_iter().map(below).collect()
}

/// The entries as a process finds them that starts after a crash.
fn reread(entries: &[Entry]) -> Vec<Entry> {
    serde_json::from_str(&serde_json::to_string(entries).expect("plain data")).expect("entries")
}

fn undo_everywhere(capable: bool) {
    let (swapped, _, steps) = expect(capable);
    assert!(steps > 15, "{steps} steps");
    for at in 0..=steps {
        let mut undo_at = 0;
        loop {
            let site = Site::in_memory();
            let changes = prepare(&site);
            let old = relative(&site);
            let entries = site.stage(&changes).expect("staged").into_entries();
            let whole = swap(&entries, &Stop::after(at, capable)).is_ok();
            assert_eq!(whole, at == steps);
            assert!(!whole || relative(&site) == swapped, "after {at} steps");
            // The undo is stopped too, and done again by the next process.
            let stopped = undo(&reread(&entries), &Stop::after(undo_at, capable)).is_err();
            let undone = undo(&reread(&entries), &Direct).expect("undone");
            assert_eq!(undone.left, [], "stopped after {at} steps and {undo_at} of the undo");
            assert_eq!(relative(&site), old, "stopped after {at} steps and {undo_at} of the undo");
            assert!(!site.out(".vw-staging").exists());
            if !stopped {
                break;
            }
            undo_at += 1;
        }
    }
}

#[test]
fn a_swap_stopped_anywhere_is_undone_by_an_undo_stopped_anywhere() {
    undo_everywhere(true);
}

#[test]
fn likewise_where_files_cannot_change_places() {
    undo_everywhere(false);
}

#[test]
fn a_finish_stopped_anywhere_is_finished() {
    for capable in [true, false] {
        let (_, finished, _) = expect(capable);
        let mut at = 0;
        loop {
            let site = Site::in_memory();
            let entries = site.stage(&prepare(&site)).expect("staged").into_entries();
            swap(&entries, &Stop::after(usize::MAX, capable)).expect("swapped");
            let stopped = finish(&entries, &Stop::after(at, capable)).is_err();
            finish(&reread(&entries), &Direct).expect("finished");
            assert_eq!(relative(&site), finished, "stopped after {at} steps");
            assert!(!site.out(".vw-staging").exists());
            if !stopped {
                break;
            }
            at += 1;
        }
        assert!(at > 10, "{at} steps");
    }
}

#[test]
fn a_staging_stopped_anywhere_leaves_nothing() {
    let mut at = 0;
    loop {
        let site = Site::in_memory();
        let changes = prepare(&site);
        let old = relative(&site);
        let staged = stage(&role(), &changes, &site.roots, &Stop::after(at, true));
        assert_eq!(relative(&site), old, "stopped after {at} steps");
        let stopped = staged.is_err();
        drop(staged);
        assert!(!site.out(".vw-staging").exists(), "stopped after {at} steps");
        if !stopped {
            break;
        }
        at += 1;
    }
    assert!(at > 20, "{at} steps");
}

/// Not a test of its own: what the next one starts as a process, told by its environment. Without that it has nothing to do.
#[test]
fn killed_process() {
    let (Ok(journal), Ok(step), Ok(action)) = (std::env::var("VW_JOURNAL"), std::env::var("VW_STEP"), std::env::var("VW_ACTION")) else {
        return;
    };
    let entries: Vec<Entry> = serde_json::from_slice(&fs::read(journal).expect("there")).expect("entries");
    let steps = Stop { left: Cell::new(step.parse().expect("a number")), capable: true, kill: true };
    match action.as_str() {
        "swap" => drop(swap(&entries, &steps).expect("swapped")),
        _ => drop(undo(&entries, &steps).expect("undone")),
    }
}

/// Whether the process was killed, and had not ended before.
fn run_and_kill(journal: &std::path::Path, action: &str, step: usize) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "files::tests::crash::killed_process", "--test-threads", "1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.env("VW_JOURNAL", journal).env("VW_STEP", step.to_string()).env("VW_ACTION", action).status().expect("it starts");
    assert!(status.success() || status.signal() == Some(9), "{status}");
    !status.success()
}

#[test]
fn a_killed_process_is_undone_by_the_next() {
    let (_, _, steps) = expect(true);
    for at in 0..=steps {
        let site = Site::in_memory();
        let changes = prepare(&site);
        let old = relative(&site);
        let entries = site.stage(&changes).expect("staged").into_entries();
        let journal = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(journal.path(), serde_json::to_vec(&entries).expect("plain data")).expect("write");
        assert_eq!(run_and_kill(journal.path(), "swap", at), at < steps);
        run_and_kill(journal.path(), "undo", at / 2);
        undo(&reread(&entries), &Direct).expect("undone");
        assert_eq!(relative(&site), old, "killed after {at} steps");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a role has and what it is to have, at random; stopped at random as often as one likes.
    #[test]
    fn afterwards_a_role_is_entirely_old_or_entirely_new(
        files in proptest::collection::btree_map("[ab](/[cd](/[ef])?)?", (any::<Option<bool>>(), any::<Option<bool>>()), 1..8),
        capable: bool,
        stops in proptest::collection::vec(0_usize..30, 0..4),
    ) {
        let site = Site::in_memory();
        let mut changes = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        for (path, (before, after)) in &files {
            // One path below another cannot be a file as well.
            if taken.iter().any(|other| path.starts_with(&format!("{other}/"))) {
                continue;
            }
            taken.push(path.clone());
            let text = |version: &bool| if *version { "one" } else { "two" };
            if let Some(version) = before {
                fs::create_dir_all(site.out(path).parent().expect("below the root")).expect("mkdir");
                fs::write(site.out(path), text(version)).expect("write");
            }
            match (before, after) {
                (_, Some(version)) => changes.push(write(path, text(version))),
                (Some(version), None) => changes.push(remove(path, text(version))),
                (None, None) => {}
            }
        }
        let old = relative(&site);
        let entries = site.stage(&changes).expect("staged").into_entries();
        let mut stops = stops.into_iter();
        let swapped = swap(&entries, &Stop::after(stops.next().unwrap_or(usize::MAX), capable));
        if swapped.is_ok() {
            while finish(&entries, &Stop::after(stops.next().unwrap_or(usize::MAX), capable)).is_err() {}
            for change in &changes {
                match &change.kind {
                    ChangeKind::Write(write) => prop_assert_eq!(&fs::read(site.out(&change.dest)).expect("new"), &write.bytes),
                    ChangeKind::Remove { .. } => prop_assert!(!site.out(&change.dest).exists()),
                }
            }
        } else {
            while undo(&entries, &Stop::after(stops.next().unwrap_or(usize::MAX), capable)).is_err() {}
            prop_assert_eq!(relative(&site), old);
        }
        prop_assert!(!site.out(".vw-staging").exists());
    }
}
