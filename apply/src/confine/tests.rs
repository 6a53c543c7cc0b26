//! Conversations without a process: what is said is read strictly. And what the kernel refuses when nothing else would.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use verwalter_core::names::RoleName;

use super::restrict::{Confinement, Landlock, restrict};
use super::serve::{ServeError, converse};
use super::wire::{self, Reply, Request, Setup};
use crate::files::{self, Change, ChangeKind, Direct, Entry, Write};
use crate::{ApplyError, Roots};

fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

fn write(dest: &Path, text: &str) -> Change {
    let write = Write { bytes: text.into(), mode: 0o640, ..Write::default() };
    Change { dest: dest.to_str().expect("text").into(), template: "t.hbs".into(), kind: ChangeKind::Write(write) }
}

fn unconfined(_: &[PathBuf]) -> Result<Confinement, String> {
    Ok(Confinement { landlock: Landlock::Absent { reason: "a test".into() } })
}

fn said(output: &Path, requests: &[(Request, Vec<u8>)]) -> Vec<u8> {
    let mut input = Vec::new();
    let setup = Setup { version: wire::VERSION, output: output.to_owned(), writes: Vec::new() };
    wire::write_frame(&mut input, &setup, &[]).expect("it fits");
    for (request, body) in requests {
        wire::write_frame(&mut input, request, body).expect("it fits");
    }
    input
}

/// What the child answers after its greeting.
fn heard(input: &[u8]) -> Result<Vec<(Reply, Vec<u8>)>, ServeError> {
    let mut output = Vec::new();
    converse(&mut Cursor::new(input), &mut output, &unconfined, &Direct)?;
    let mut output = Cursor::new(output);
    wire::read_frame::<Confinement>(&mut output).expect("a frame").expect("a greeting");
    let mut replies = Vec::new();
    while let Some(reply) = wire::read_frame(&mut output).expect("a frame") {
        replies.push(reply);
    }
    Ok(replies)
}

#[test]
fn a_role_goes_through_a_conversation() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let output = temp.path().join("out");
    let (changes, body) = wire::part(&[write(Path::new("a"), "1"), write(Path::new("x/b"), "22")]);
    let replies = heard(&said(&output, &[(Request::Stage { role: role(), changes }, body)])).expect("served");
    let [(Reply::Staged(staged), _)] = &replies[..] else { panic!("{replies:?}") };
    assert_eq!(fs::read(staged.files()[1].fresh().expect("staged")).expect("it outlives the child"), b"22");
    let entries = staged.entries().to_vec();
    let swap = (Request::Swap { entries: entries.clone() }, Vec::new());
    let finish = (Request::Finish { entries }, Vec::new());
    let replies = heard(&said(&output, &[swap, finish])).expect("served");
    assert!(matches!(&replies[..], [(Reply::Swapped(_), _), (Reply::Finished, _)]), "{replies:?}");
    assert_eq!(fs::read(output.join("x/b")).expect("there"), b"22");
}

#[test]
fn entries_outside_of_the_roots_are_refused_without_a_kernel() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let entries = elsewhere(temp.path());
    let requests = [Request::Swap { entries: entries.clone() }, Request::Undo { entries: entries.clone() }, Request::Finish { entries }];
    let requests = requests.map(|request| (request, Vec::new()));
    for (reply, _) in heard(&said(&temp.path().join("out"), &requests)).expect("served") {
        assert!(matches!(reply, Reply::Refused(ApplyError::Outside { .. })), "{reply:?}");
    }
    assert_eq!(fs::read(temp.path().join("elsewhere/a")).expect("there"), b"old");
}

/// Entries in a directory that is no root.
fn elsewhere(temp: &Path) -> Vec<Entry> {
    let elsewhere = temp.join("elsewhere");
    fs::create_dir(&elsewhere).expect("mkdir");
    fs::write(elsewhere.join("a"), "old").expect("write");
    let roots = Roots { output: elsewhere, writes: Vec::new() };
    files::stage(&role(), &[write(Path::new("a"), "new")], &roots, &Direct).expect("staged").into_entries()
}

#[test]
fn lengths_that_do_not_fit_end_the_conversation() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    for change in [-1, 1] {
        let (changes, mut body) = wire::part(&[write(Path::new("a"), "text")]);
        body.resize(body.len().saturating_add_signed(change), 0);
        let refused = heard(&said(temp.path(), &[(Request::Stage { role: role(), changes }, body)]));
        assert!(matches!(refused, Err(ServeError::Conversation(_))), "{refused:?}");
    }
}

#[test]
fn a_frame_that_announces_too_much_is_not_waited_for() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    for lengths in [[0xff; 8], [0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff], [0x7f, 0, 0, 0, 0, 0, 0, 0]] {
        let mut input = said(temp.path(), &[]);
        input.extend(lengths);
        input.extend(b"{}");
        let refused = heard(&input).expect_err("too long").to_string();
        assert!(refused.contains("start it through the daemon only"), "{refused}");
    }
}

#[test]
fn another_version_is_refused() {
    let mut input = Vec::new();
    let setup = Setup { version: wire::VERSION + 1, output: "/".into(), writes: Vec::new() };
    wire::write_frame(&mut input, &setup, &[]).expect("it fits");
    assert!(matches!(heard(&input), Err(ServeError::Conversation(_))));
    assert!(matches!(heard(&[]), Err(ServeError::Conversation(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What comes cut off, changed or made up ends the conversation or is refused, and nothing is written.
    #[test]
    fn what_is_no_conversation_is_refused(junk: Vec<u8>, cut: prop::sample::Index, changed: prop::sample::Index, byte: u8) {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let output = temp.path().join("out");
        let (changes, body) = wire::part(&[write(Path::new("a"), "1")]);
        let whole = said(&output, &[(Request::Stage { role: role(), changes }, body), (Request::Sweep, Vec::new())]);
        let mut made_up = said(&output, &[]);
        made_up.extend(&junk);
        prop_assert_eq!(heard(&made_up).is_ok(), junk.is_empty());
        // Cut between two frames it is a conversation, only a shorter one.
        let _ = heard(&whole[..cut.index(whole.len())]);
        let setup = said(&output, &[]).len();
        let mut other = whole.clone();
        other[setup + changed.index(whole.len() - setup)] = byte;
        let _ = heard(&other);
        prop_assert!(!output.join("a").exists(), "nothing was swapped in");
    }
}

/// Runs `work` in a thread that is confined to `roots`, which ends with it.
fn confined<T: Send>(roots: &[PathBuf], work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let confinement = restrict(roots).expect("the kernel lets privileges be given up");
            (!matches!(confinement.landlock, Landlock::Absent { .. })).then(work)
        });
        worker.join().expect("it ends")
    })
}

#[test]
fn the_kernel_refuses_what_lies_outside_when_no_check_does() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let allowed = temp.path().join("allowed");
    fs::create_dir(&allowed).expect("mkdir");
    fs::write(temp.path().join("secret"), "s").expect("write");
    let entries = elsewhere(temp.path());
    let inside = Roots { output: allowed.clone(), writes: Vec::new() };
    let outside = Roots { output: temp.path().join("elsewhere"), writes: Vec::new() };
    let done = confined(std::slice::from_ref(&allowed), || {
        let refused = |err: &ApplyError| {
            let source = std::error::Error::source(err).expect("of the system").to_string();
            assert!(source.contains("Permission denied"), "{err}: {source}");
        };
        refused(&files::swap(&entries, &Direct).expect_err("outside"));
        refused(&files::stage(&role(), &[write(Path::new("b"), "new")], &outside, &Direct).expect_err("outside"));
        assert!(fs::read(temp.path().join("secret")).is_err(), "not even read");
        assert!(fs::read("/etc/passwd").is_err());
        assert!(fs::read_dir(temp.path()).is_err());
        assert!(fs::create_dir(temp.path().join("new")).is_err());
        assert!(std::process::Command::new("/bin/true").status().is_err(), "nothing is executed");
        assert!(std::net::TcpStream::connect("127.0.0.1:1").is_err_and(|err| err.kind() == std::io::ErrorKind::PermissionDenied));
        let entries = files::stage(&role(), &[write(Path::new("x/b"), "new")], &inside, &Direct).expect("inside").into_entries();
        files::swap(&entries, &Direct).expect("inside");
        files::finish(&entries, &Direct).expect("inside");
    });
    if done.is_none() {
        eprintln!("skipped: this kernel has no Landlock");
        return;
    }
    assert_eq!(fs::read(temp.path().join("elsewhere/a")).expect("there"), b"old");
    assert_eq!(fs::read(allowed.join("x/b")).expect("there"), b"new");
}

/// A directory that leaves the root while it is held open is no way out of it.
#[test]
fn a_directory_that_was_moved_out_of_the_root_is_out_of_reach() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let root = temp.path().join("root");
    fs::create_dir_all(root.join("d")).expect("mkdir");
    let held = fs::File::open(root.join("d")).expect("it opens");
    let to = temp.path().join("moved");
    fs::rename(root.join("d"), &to).expect("rename");
    let refused = confined(std::slice::from_ref(&root), || {
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CREATE;
        rustix::fs::openat(&held, "b", flags, rustix::fs::Mode::RUSR).expect_err("moved out")
    });
    let Some(refused) = refused else { return eprintln!("skipped: this kernel has no Landlock") };
    assert_eq!(refused, rustix::io::Errno::ACCESS);
    assert!(!to.join("b").exists());
}
