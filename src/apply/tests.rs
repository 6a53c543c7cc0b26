//! Real files in temporary directories: what is written, what is refused, what is put back.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

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
    RenderedFile { dest, mode: 0o640, bytes: text.into(), template: "t.hbs".into() }
}

#[test]
fn writes_what_differs_and_nothing_else() {
    let site = site();
    let extra = site.roots.writes[0].join("c");
    let mut files = [file("a", "1"), file("x/y/b", "2"), file(&extra, "3")];
    let applied = site.apply(&files).expect("applied");
    assert_eq!(applied, Applied { written: vec![site.out("a"), site.out("x/y/b"), extra.clone()], unchanged: 0 });
    assert_eq!(fs::read(site.out("x/y/b")).expect("there"), b"2");
    assert_eq!(fs::metadata(site.out("a")).expect("there").permissions().mode() & 0o7777, 0o640);
    assert_eq!(fs::metadata(site.out("x/y")).expect("there").permissions().mode() & 0o7777, 0o755);
    let stamp = |path: &Path| fs::metadata(path).map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec())).expect("there");
    let stamps = (stamp(&site.out("a")), stamp(&site.out("x/y")), stamp(&extra));
    assert_eq!(site.apply(&files).expect("applied"), Applied { written: Vec::new(), unchanged: 3 });
    assert_eq!((stamp(&site.out("a")), stamp(&site.out("x/y")), stamp(&extra)), stamps);
    files[1].bytes = b"4".to_vec();
    files[0].mode = 0o600;
    let applied = site.apply(&files).expect("applied");
    assert_eq!(applied, Applied { written: vec![site.out("a"), site.out("x/y/b")], unchanged: 1 });
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
fn a_symlink_that_stays_inside_may_be_a_directory() {
    let site = site();
    fs::create_dir(site.out("v1")).expect("mkdir");
    symlink("v1", site.out("current")).expect("symlink");
    site.apply(&[file("current/a", "1")]).expect("applied");
    assert_eq!(fs::read(site.out("v1/a")).expect("there"), b"1");
}

#[test]
fn when_one_file_fails_the_others_are_put_back() {
    let site = site();
    fs::write(site.out("a"), "old").expect("write");
    fs::set_permissions(site.out("a"), fs::Permissions::from_mode(0o604)).expect("chmod");
    let files = [file("a", "new"), file("b", "new"), file("new/dir/c", "new"), file("d", "new")];
    let checked = check(&role(), &files, &site.roots).expect("sound");
    // After the check and before the swap, somebody makes a directory.
    fs::create_dir(site.out("d")).expect("mkdir");
    let before = site.tree();
    let err = swap(&role(), &checked).expect_err("d is a directory");
    assert!(matches!(&err, ApplyError::Io { path, .. } if *path == site.out("d")), "{err:?}");
    assert_eq!(
        err.to_string(),
        format!("role web: {} cannot be written: a directory has its place, move it away", site.out("d").display())
    );
    assert_eq!(site.tree(), before);
    assert_eq!(fs::metadata(site.out("a")).expect("there").permissions().mode() & 0o7777, 0o604);
}

#[test]
fn what_cannot_be_put_back_is_said() {
    let site = site();
    fs::write(site.out("a"), "old").expect("write");
    let files = [file("a", "new"), file("x/d", "new")];
    let mut checked = check(&role(), &files, &site.roots).expect("sound");
    fs::create_dir_all(site.out("x/d")).expect("mkdir");
    // As if the former file could not be written any more.
    checked.steps[0].before = check::Before::File { bytes: b"old".to_vec(), mode: 0o600 };
    checked.steps[0].dir = std::rc::Rc::new({
        let gone = site.temp.path().join("gone");
        fs::create_dir(&gone).expect("mkdir");
        Dir::open_ambient_dir(&gone, ambient_authority()).expect("it opens")
    });
    fs::create_dir(site.temp.path().join("gone/a")).expect("mkdir");
    let err = swap(&role(), &checked).expect_err("a directory has its place");
    assert!(matches!(&err, ApplyError::NotRestored { left, .. } if *left == [site.out("a")]), "{err:?}");
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
    assert_eq!(sweep(&site.roots).expect("swept"), 3);
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
