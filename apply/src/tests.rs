//! Real files in temporary directories: what is written, what is refused, what is put back.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::files::{Change, ChangeKind, Direct, Write};

/// Puts `files` in their places. On an error the role's files are what they were, unless the error is [`ApplyError::NotRestored`].
fn apply(role: &RoleName, files: &[RenderedFile], roots: &Roots) -> Result<Applied, ApplyError> {
    check_formats(role, files)?;
    let changes: Vec<Change> = files.iter().map(RenderedFile::change).collect();
    let staged = files::stage(role, &changes, roots, &Direct)?;
    let unchanged = staged.unchanged();
    let entries = staged.into_entries();
    match files::swap(&entries, &Direct) {
        Ok(applied) => {
            files::finish(&entries, &Direct)?;
            Ok(Applied { unchanged, ..applied })
        }
        Err(err) => {
            files::undo(&entries, &Direct)?;
            Err(err)
        }
    }
}

impl RenderedFile {
    fn change(&self) -> Change {
        let (owner, group) = (self.owner.clone(), self.group.clone());
        let write = Write { bytes: self.bytes.clone(), mode: self.mode, owner, group, backups: self.backups };
        Change { dest: self.dest.clone(), template: self.template.clone(), kind: ChangeKind::Write(write) }
    }
}

struct Site {
    temp: tempfile::TempDir,
    roots: Roots,
}

fn site() -> Site {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let roots = Roots { output: temp.path().join("out"), writes: vec![temp.path().join("extra")] };
    fs::create_dir(temp.path().join("extra")).expect("mkdir");
    fs::create_dir(temp.path().join("out")).expect("mkdir");
    Site { temp, roots }
}

impl Site {
    fn out(&self, path: &str) -> PathBuf {
        self.roots.output.join(path)
    }

    fn apply(&self, files: &[RenderedFile]) -> Result<Applied, ApplyError> {
        apply(&role(), files, &self.roots)
    }

    /// Every file and directory below the whole site, with the files' bytes.
    fn tree(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut open = vec![self.temp.path().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).expect("read") {
                let path = entry.expect("entry").path();
                let meta = fs::symlink_metadata(&path).expect("stat");
                if meta.is_dir() {
                    open.push(path.clone());
                }
                found.push((path.clone(), meta.is_file().then(|| fs::read(&path).expect("read"))));
            }
        }
        found.sort();
        found
    }

    fn check_refused(&self, files: &[RenderedFile], part: &str) {
        let before = self.tree();
        let err = self.apply(files).expect_err(part).to_string();
        assert!(err.starts_with("role web: ") && err.contains(part), "{err}, not {part}");
        assert_eq!(self.tree(), before, "{part}: nothing was changed");
    }
}

fn role() -> RoleName {
    RoleName::new("web").expect("valid")
}

fn file(dest: impl AsRef<Path>, text: &str) -> RenderedFile {
    let dest = dest.as_ref().to_str().expect("text").to_owned();
    RenderedFile { dest, mode: 0o640, bytes: text.into(), template: "t.hbs".into(), ..RenderedFile::default() }
}

#[test]
fn writes_what_differs_and_nothing_else() {
    let site = site();
    let extra = site.roots.writes[0].join("c");
    let mut files = [file("a", "1"), file("x/y/b", "2"), file(&extra, "3")];
    let applied = site.apply(&files).expect("applied");
    assert_eq!(applied, Applied { written: vec![site.out("a"), site.out("x/y/b"), extra.clone()], unchanged: 0, ..Applied::default() });
    assert_eq!(fs::read(site.out("x/y/b")).expect("there"), b"2");
    assert_eq!(fs::metadata(site.out("a")).expect("there").permissions().mode() & 0o7777, 0o640);
    assert_eq!(fs::metadata(site.out("x/y")).expect("there").permissions().mode() & 0o7777, 0o755);
    let stamp = |path: &Path| fs::metadata(path).map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec())).expect("there");
    let stamps = (stamp(&site.out("a")), stamp(&site.out("x/y")), stamp(&extra));
    assert_eq!(site.apply(&files).expect("applied"), Applied { written: Vec::new(), unchanged: 3, ..Applied::default() });
    assert_eq!((stamp(&site.out("a")), stamp(&site.out("x/y")), stamp(&extra)), stamps);
    files[1].bytes = b"4".to_vec();
    files[0].mode = 0o600;
    let applied = site.apply(&files).expect("applied");
    assert_eq!(applied, Applied { written: vec![site.out("a"), site.out("x/y/b")], unchanged: 1, ..Applied::default() });
    assert_eq!(stamp(&extra), stamps.2);
}

#[test]
fn the_output_root_is_created_and_a_root_of_the_sandbox_is_not() {
    let site = site();
    fs::remove_dir(&site.roots.output).expect("rmdir");
    site.apply(&[file("a", "1")]).expect("applied");
    fs::remove_dir(&site.roots.writes[0]).expect("rmdir");
    site.check_refused(&[file("b", "1"), file(site.roots.writes[0].join("c"), "")], "create it, or remove it from `writes`");
}

#[test]
fn one_bad_file_refuses_all() {
    let site = site();
    fs::create_dir(site.out("dir")).expect("mkdir");
    fs::write(site.out("file"), "f").expect("write");
    fs::write(site.temp.path().join("secret"), "s").expect("write");
    symlink("../secret", site.out("link")).expect("symlink");
    symlink("file", site.out("inner")).expect("symlink");
    symlink("..", site.out("up")).expect("symlink");
    symlink("/", site.out("rooted")).expect("symlink");
    symlink("nowhere", site.out("dangling")).expect("symlink");
    let socket = std::os::unix::net::UnixListener::bind(site.out("sock")).expect("bind");
    let refused = |dest: &str, part: &str| site.check_refused(&[file("fine", "1"), file(dest, "2"), file("new/fine", "3")], part);
    refused("dir", "/out/dir is a directory, not a file: move it away");
    refused("link", "/out/link is a symlink, not a file");
    refused("inner", "is a symlink");
    refused("sock", "is a device, pipe or socket");
    refused("file/below", "/out/file cannot be written: a part of its path is a file where a directory is needed");
    refused("file/below/deep", "a part of its path is a file");
    refused("dangling/below", "/out/dangling is a symlink to nowhere");
    refused("up/secret", "leads through a symlink out of");
    refused("up/new/secret", "leads through a symlink out of");
    refused("rooted/etc/a", "leads through a symlink out of");
    refused("../secret", "contains `..`");
    refused("", "is empty");
    refused("a/", "names a directory");
    refused("/etc/a", "lies outside");
    refused("fine", "cannot both be written");
    refused("fine/below", "cannot both be written");
    refused(&"n".repeat(300), "a part of its path is too long");
    drop(socket);
}

#[test]
fn one_file_of_another_syntax_than_it_should_have_refuses_all() {
    let site = site();
    site.apply(&[file("a", "old"), file("b", "{}")]).expect("applied");
    let broken = RenderedFile { format: Some(Format::Json), ..file("b", "{\n  \"x\": 1,\n}") };
    let told = "template t.hbs: its output for b is not valid json: line 3, column 1: key must be a string";
    site.check_refused(&[file("a", "new"), broken.clone()], told);
    site.check_refused(&[broken.clone(), file("a", "new")], told);
    let long = RenderedFile { dest: "x".repeat(5000), ..broken.clone() };
    let err = site.apply(&[long]).expect_err("refused").to_string();
    assert!(err.len() < 500, "{err}");
    // Not even the output root is made for it.
    fs::remove_dir_all(&site.roots.output).expect("removed");
    site.check_refused(&[broken], told);
    let sound = RenderedFile { format: Some(Format::Json), ..file("b", "{\"x\": 1}") };
    assert_eq!(site.apply(&[sound]).expect("applied").written, [site.out("b")]);
}

#[test]
fn a_symlink_that_stays_inside_may_be_a_directory() {
    let site = site();
    fs::create_dir(site.out("v1")).expect("mkdir");
    symlink("v1", site.out("current")).expect("symlink");
    site.apply(&[file("current/a", "1")]).expect("applied");
    assert_eq!(fs::read(site.out("v1/a")).expect("there"), b"1");
}

#[test]
fn a_directory_that_may_not_be_written_is_found_before_anything_is() {
    let site = site();
    fs::create_dir(site.out("closed")).expect("mkdir");
    fs::set_permissions(site.out("closed"), fs::Permissions::from_mode(0o555)).expect("chmod");
    let files = [file("fine", "1"), file("closed/sub/a", "2")];
    if rustix::process::geteuid().is_root() {
        // Root may write there all the same.
        assert_eq!(site.apply(&files).expect("applied").written.len(), 2);
    } else {
        site.check_refused(&files, "the daemon's user may not write there");
    }
}

#[test]
fn what_a_crash_left_is_swept() {
    let site = site();
    fs::create_dir_all(site.out("a/b")).expect("mkdir");
    fs::create_dir_all(site.out(".vw-staging/web/0")).expect("mkdir");
    fs::write(site.out(".vw-staging/web/0/conf"), "").expect("write");
    fs::write(site.out(".vw-staging/web/swapping"), "").expect("write");
    let extra = site.roots.writes[0].clone();
    for path in [
        site.out("a/b/.vw-0123456789abcdef.tmp"),
        site.out(".vw-0123456789abcdee.tmp"),
        extra.join(".vw-0123456789abcded.tmp"),
        site.out("a/keep.tmp"),
    ] {
        fs::write(path, "").expect("write");
    }
    symlink("..", site.out("a/loop")).expect("symlink");
    assert_eq!(sweep(&site.roots).expect("swept"), 4);
    assert!(!site.out(".vw-staging").exists());
    assert!(site.out("a/keep.tmp").exists());
    assert_eq!(sweep(&site.roots).expect("swept"), 0);
}

/// A file system of 64 KiB at a directory, for as long as it lives. Needs root; elsewhere there is none.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(at: &Path) -> Option<Small<'_>> {
        let mounted = rustix::process::geteuid().is_root() && command("mount", &["-t", "tmpfs", "-o", "size=64k", "none"], at);
        mounted.then_some(Small(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        command("umount", &["-l"], self.0);
    }
}

fn command(program: &str, args: &[&str], at: &Path) -> bool {
    let output = std::process::Command::new(program).args(args).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_or_read_only_disk_leaves_the_role_as_it_was() {
    let site = site();
    let Some(small) = Small::mount(&site.roots.output) else { return };
    site.apply(&[file("a", "old"), file("b", "old")]).expect("it fits");
    let large = "x".repeat(100 << 10);
    site.check_refused(&[file("a", "new"), file("c", "new"), file("d/b", &large)], "the disk is full, make room");
    assert_eq!(site.apply(&[file("a", "old")]).expect("applied").unchanged, 1);
    assert!(command("mount", &["-o", "remount,ro"], small.0));
    site.check_refused(&[file("a", "new"), file("e/f", "new")], "the file system is read-only");
    assert_eq!(site.apply(&[file("a", "old"), file("b", "old")]).expect("nothing to write").unchanged, 2);
}
