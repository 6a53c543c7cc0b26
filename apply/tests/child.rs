//! The process that works on files: what it does, what the kernel keeps it from, and what the daemon sees when it dies.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use verwalter_apply::confine::{ChildError, FileChild, Landlock, Launch};
use verwalter_apply::files::{Change, ChangeKind, Direct, Fate, FileWork, Write, undo};
use verwalter_apply::{ApplyError, Roots};
use verwalter_core::digest::Digest;
use verwalter_core::names::RoleName;

struct Site {
    temp: tempfile::TempDir,
    roots: Roots,
}

fn site() -> Site {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let roots = Roots { output: temp.path().join("out"), writes: vec![temp.path().join("extra")] };
    fs::create_dir(temp.path().join("extra")).expect("mkdir");
    Site { temp, roots }
}

impl Site {
    fn out(&self, path: &str) -> PathBuf {
        self.roots.output.join(path)
    }

    fn child(&self) -> FileChild {
        FileChild::start(&launch(&["apply-files"]), &self.roots).expect("started")
    }
}

fn launch(args: &[&str]) -> Launch {
    let args = args.iter().map(Into::into).collect();
    Launch { program: env!("CARGO_BIN_EXE_apply-child").into(), args, deadline: Duration::from_secs(60) }
}

fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

fn write(dest: impl AsRef<Path>, text: &str) -> Change {
    let write = Write { bytes: text.into(), mode: 0o640, ..Write::default() };
    Change { dest: dest.as_ref().to_str().expect("text").into(), template: "t.hbs".into(), kind: ChangeKind::Write(write) }
}

fn remove(dest: &str, owned: &str) -> Change {
    Change { dest: dest.into(), template: String::new(), kind: ChangeKind::Remove { owned: Digest::of(owned.as_bytes()) } }
}

#[test]
fn a_role_is_applied_and_another_undone() {
    let site = site();
    let mut child = site.child();
    assert!(site.roots.output.is_dir(), "it is made before the kernel shuts it off");
    let staged = child.stage(&role(), &[write("a", "old"), write("x/b", "old"), write(site.temp.path().join("extra/c"), "old")]);
    let entries = staged.expect("staged").into_entries();
    let applied = child.swap(&entries).expect("swapped");
    assert_eq!(applied.written, [site.out("a"), site.out("x/b"), site.temp.path().join("extra/c")]);
    child.finish(&entries).expect("finished");

    let staged = child.stage(&role(), &[write("a", "old"), write("x/b", "new"), remove("gone", "")]).expect("staged");
    let fates: Vec<Fate> = staged.files().iter().map(|file| file.fate).collect();
    assert_eq!(fates, [Fate::Unchanged, Fate::Replace, Fate::Gone]);
    let former = child.former(&role(), &staged.files()[1], 2).expect("read").expect("there");
    assert_eq!((&former.bytes[..], former.len, former.mode), (&b"ol"[..], 3, 0o640));
    assert_eq!(fs::read(staged.files()[1].fresh().expect("staged")).expect("there"), b"new");
    let entries = staged.into_entries();
    child.swap(&entries).expect("swapped");
    assert_eq!(fs::read(site.out("x/b")).expect("there"), b"new");
    assert_eq!(child.undo(&entries).expect("undone").restored, [site.out("x/b")]);
    assert_eq!(fs::read(site.out("x/b")).expect("there"), b"old");
    assert!(!site.out(".vw-staging").exists());
}

#[test]
fn an_error_comes_over_as_it_is() {
    let site = site();
    let mut child = site.child();
    fs::create_dir(site.out("dir")).expect("mkdir");
    let err = child.stage(&role(), &[write("fine", "1"), write("dir", "2")]).expect_err("a directory");
    assert_eq!(err.to_string(), format!("role web: {} is a directory, not a file: move it away", site.out("dir").display()));
    let err = child.stage(&role(), &[write("/etc/verwalter-was-here", "1")]).expect_err("outside");
    assert!(matches!(err, ApplyError::Outside { .. }), "{err:?}");
    assert!(!site.out(".vw-staging").exists());
    // It goes on.
    child.stage(&role(), &[write("fine", "1")]).expect("staged");
    assert_eq!(child.sweep().expect("swept"), 1);
}

#[test]
fn names_of_users_are_looked_up_by_the_daemon() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root gives files away");
    }
    let site = site();
    let mut child = site.child();
    let mut change = write("a", "1");
    let ChangeKind::Write(write) = &mut change.kind else { unreachable!("made as one") };
    (write.owner, write.group) = (Some("root".into()), Some("4711".into()));
    let entries = child.stage(&role(), &[change.clone()]).expect("staged").into_entries();
    child.swap(&entries).expect("swapped");
    let ChangeKind::Write(write) = &mut change.kind else { unreachable!("made as one") };
    write.owner = Some("no-such-user".into());
    let err = child.stage(&role(), &[change]).expect_err("unknown").to_string();
    assert!(err.contains("there is no user `no-such-user` in /etc/passwd"), "{err}");
    let meta = fs::metadata(site.out("a")).expect("there");
    assert_eq!((meta.uid(), meta.gid()), (0, 4711));
}

#[test]
fn the_kernel_keeps_the_child_below_its_roots() {
    let site = site();
    let child = site.child();
    if matches!(child.confinement().landlock, Landlock::Absent { .. }) {
        return eprintln!("skipped: this kernel has no Landlock");
    }
    assert_eq!(child.confinement().landlock, Landlock::Full, "as on every kernel since Linux 6.12");
    // A root that was no root when it started: its own checks let that pass, the kernel does not.
    let late = site.temp.path().join("late");
    let roots = Roots { writes: vec![late.clone()], output: site.out("") };
    let mut child = FileChild::start(&launch(&["apply-files"]), &roots).expect("started");
    fs::create_dir(&late).expect("mkdir");
    fs::write(late.join("a"), "old").expect("write");
    let err = child.stage(&role(), &[write(late.join("a"), "new")]).expect_err("refused by the kernel");
    let source = std::error::Error::source(&err).expect("of the system").to_string();
    assert!(source.contains("Permission denied"), "{err}: {source}");
    assert_eq!(fs::read_dir(&late).expect("read").count(), 1);
}

#[test]
fn a_child_that_is_killed_anywhere_is_undone_by_the_next() {
    let site = site();
    fs::create_dir_all(site.out("d")).expect("mkdir");
    let changes = [write("a", "new"), write("x/b", "new"), write("d/c", "new"), remove("gone", "old")];
    let mut done = false;
    let mut step = 0;
    while !done {
        for name in ["a", "d/c", "gone"] {
            fs::write(site.out(name), "old").expect("write");
        }
        let entries = site.child().stage(&role(), &changes).expect("staged").into_entries();
        let mut child = FileChild::start(&launch(&["killed-at", &step.to_string()]), &site.roots).expect("started");
        match child.swap(&entries) {
            Ok(_) => done = true,
            Err(err) => {
                assert!(matches!(err, ApplyError::Child(ChildError::Ended { .. })), "{err:?}");
                let told = "ended (signal: 9 (SIGKILL)): somebody killed it, or the kernel did for want of memory, ";
                assert!(err.to_string().contains(told), "{err}");
                assert!(matches!(child.swap(&entries), Err(ApplyError::Child(ChildError::Ended { .. }))), "it stays dead");
            }
        }
        let undone = if step % 2 == 0 { site.child().undo(&entries) } else { undo(&entries, &Direct) };
        undone.expect("undone");
        for name in ["a", "d/c", "gone"] {
            assert_eq!(fs::read(site.out(name)).expect(name), b"old", "killed before step {step}");
        }
        assert!(!site.out("x").exists() && !site.out(".vw-staging").exists(), "killed before step {step}");
        step += 1;
    }
    assert!(step > 8, "{step} steps");
}

#[test]
fn what_a_child_that_was_killed_had_staged_is_gone_with_the_next_staging() {
    let site = site();
    for step in 0..12 {
        let mut child = FileChild::start(&launch(&["killed-at", &step.to_string()]), &site.roots).expect("started");
        child.stage(&role(), &[write("x/b", "1"), write("d/b", "2")]).expect_err("killed");
        assert!(!site.out("x").exists());
    }
    assert!(site.out(".vw-staging/web").exists());
    let staged = site.child().stage(&role(), &[write("a", "1")]).expect("staged");
    let waiting: Vec<_> = fs::read_dir(site.out(".vw-staging/web/0")).expect("read").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(waiting, ["a"]);
    site.child().undo(staged.entries()).expect("undone");
    assert!(!site.out(".vw-staging").exists());
}

#[test]
fn bad_children_are_told_apart() {
    let site = site();
    let start = |launch: &Launch| FileChild::start(launch, &site.roots).expect_err("no child").to_string();
    assert!(start(&launch(&[])).contains("ended (exit status: 2): the daemon's error output has its message"));
    assert!(start(&launch(&["chatty"])).contains("was the program replaced?"));
    let silent = Launch { deadline: Duration::ZERO, ..launch(&["silent"]) };
    assert!(start(&silent).contains("did not answer within 0 s and was killed"));
    let absent = Launch { program: site.temp.path().join("absent"), ..launch(&[]) };
    assert!(start(&absent).contains("cannot be started"));
}

#[test]
fn former_roots_stay_in_reach_for_an_undo() {
    let site = site();
    let late = site.temp.path().join("extra/a");
    let mut child = site.child();
    let entries = child.stage(&role(), &[write(&late, "new")]).expect("staged").into_entries();
    child.swap(&entries).expect("swapped");
    let narrowed = Roots { writes: Vec::new(), output: site.out("") };
    let mut child = FileChild::start(&launch(&["apply-files"]), &narrowed).expect("started");
    assert!(matches!(child.undo(&entries), Err(ApplyError::Outside { .. })));
    let mut child = FileChild::start(&launch(&["apply-files"]), &narrowed.with_entries(&entries)).expect("started");
    child.undo(&entries).expect("undone");
    assert!(!late.exists());
}

#[test]
fn files_are_identified_where_they_may_be_written_and_nowhere_else() {
    let site = site();
    let mut child = site.child();
    fs::write(site.out("a"), "by hand").expect("written");
    fs::write(site.temp.path().join("extra/b"), "by hand").expect("written");
    let extra = site.temp.path().join("extra/b").display().to_string();
    let found = child.identify(&role(), &["a".to_owned(), extra.clone()], &[]).expect("both are there");
    let found: Vec<_> = found.into_iter().map(|file| (file.path, file.digest)).collect();
    let digest = Digest::of(b"by hand");
    assert_eq!(found, [(site.out("a"), digest), (extra.into(), digest)]);
    let error = child.identify(&role(), &["a".to_owned(), "/etc/hostname".to_owned()], &[]).expect_err("it is no place for a file");
    assert!(matches!(error, ApplyError::Outside { .. }), "{error}");
    fs::create_dir(site.out("real")).expect("mkdir");
    fs::write(site.out("real/c"), "").expect("written");
    std::os::unix::fs::symlink("real", site.out("also")).expect("made");
    let error = child.identify(&role(), &["also/c".to_owned()], &[site.out("real/c")]).expect_err("it is known").to_string();
    assert!(error.contains("it is the same file as") && error.contains("real/c"), "{error}");
    child.identify(&role(), &["a".to_owned()], &[]).expect("the child goes on");
}

#[test]
fn a_child_is_good_for_the_directories_that_it_began_with() {
    let site = site();
    let late = site.temp.path().join("late");
    let roots = Roots { writes: vec![late.clone()], ..site.roots.clone() };
    let child = FileChild::start(&launch(&["apply-files"]), &roots).expect("started");
    assert!(child.reaches(&roots) && !child.reaches(&site.roots));
    fs::create_dir(&late).expect("mkdir");
    assert!(!child.reaches(&roots), "it came after the kernel shut the child off");
    let mut child = FileChild::start(&launch(&["apply-files"]), &roots).expect("started");
    assert!(child.reaches(&roots));
    // Another directory of the same name.
    fs::rename(&late, site.temp.path().join("former")).expect("renamed");
    fs::create_dir(&late).expect("mkdir");
    assert!(!child.reaches(&roots));
    child.stage(&role(), &[write(late.join("a"), "1")]).expect_err("out of its reach");
}
