//! Somebody who owns a directory below a root, and works against the daemon: nothing outside of the root is written, removed or read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use super::site::{Found, Site, remove, tree, write};
use crate::files::{Direct, finish, swap, undo};
use crate::{ApplyError, Roots};

/// How often the daemon applies the role against the attacker.
const ROUNDS: usize = 400;

/// What the attacker would have the daemon write to.
fn treasure(site: &Site) -> Vec<Found> {
    let outside = site.temp.path().join("outside");
    if !outside.exists() {
        fs::create_dir_all(outside.join("sub")).expect("mkdir");
        for name in ["a", "sub/a", "gone"] {
            fs::write(outside.join(name), "secret").expect("write");
            fs::set_permissions(outside.join(name), fs::Permissions::from_mode(0o600)).expect("chmod");
        }
    }
    tree(&outside)
}

/// Applies a role over and over while `attack` is done over and over, and looks at the treasure.
fn race(attack: impl Fn(&Path) + Sync) {
    let site = Site::in_memory();
    let before = treasure(&site);
    let owners = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.uid(), meta.gid(), meta.ino())).expect("there");
    let outside = site.temp.path().join("outside");
    let owned = (owners(&outside), owners(&outside.join("a")));
    let root = site.roots.output.clone();
    let (start, stop) = (Barrier::new(2), AtomicBool::new(false));
    let (mut applied, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            while !stop.load(Ordering::Relaxed) {
                attack(&root);
            }
        });
        start.wait();
        for round in 0..ROUNDS {
            let text = format!("round {round}");
            let changes = [write("d/a", &text), write("d/sub/a", &text), remove("d/gone", "secret"), write("d/new/a", &text)];
            let staged = site.stage(&changes);
            if let Ok(staged) = &staged {
                for file in staged.files() {
                    let former = file.former(100).ok().flatten();
                    assert!(former.is_none_or(|former| former.bytes != b"secret"), "read through a link");
                }
            }
            let outcome = staged.and_then(|staged| {
                let entries = staged.into_entries();
                match swap(&entries, &Direct) {
                    Ok(_) if round % 2 == 0 => finish(&entries, &Direct),
                    Ok(_) => undo(&entries, &Direct).map(|_| ()),
                    Err(err) => undo(&entries, &Direct).and(Err(err)),
                }
            });
            match outcome {
                Ok(()) => applied += 1,
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(applied + refused, ROUNDS);
    assert_eq!(treasure(&site), before, "{applied} applied, {refused} refused");
    assert_eq!((owners(&outside), owners(&outside.join("a"))), owned);
}

#[test]
fn a_directory_that_becomes_a_symlink_leads_nowhere() {
    race(|root| {
        // Failures are the attacker's business: the daemon is in the way.
        let _ = fs::create_dir_all(root.join("d/sub"));
        let _ = fs::rename(root.join("d"), root.join("away"));
        let _ = symlink("../outside", root.join("d"));
        let _ = fs::remove_file(root.join("d"));
        let _ = fs::rename(root.join("away"), root.join("d"));
        let _ = fs::remove_dir_all(root.join("away"));
    });
}

#[test]
fn a_file_that_becomes_a_symlink_is_not_followed() {
    race(|root| {
        let _ = fs::create_dir_all(root.join("d/sub"));
        for (name, target) in [("a", "../../outside/a"), ("sub/a", "../../../outside/sub/a"), ("gone", "../../outside/gone")] {
            let _ = fs::remove_file(root.join("d").join(name));
            let _ = symlink(target, root.join("d").join(name));
            let _ = fs::remove_file(root.join("d").join(name));
            let _ = fs::write(root.join("d").join(name), "the attacker's");
        }
    });
}

#[test]
fn a_directory_that_is_moved_about_takes_nothing_along() {
    race(|root| {
        let _ = fs::create_dir_all(root.join("d/sub"));
        let _ = fs::rename(root.join("d/sub"), root.join("d/other"));
        let _ = symlink("/", root.join("d/sub"));
        let _ = fs::remove_file(root.join("d/sub"));
        let _ = fs::rename(root.join("d/other"), root.join("d/sub"));
        let _ = fs::remove_dir_all(root.join("d/other"));
        let _ = fs::remove_dir(root.join("d/new"));
        let _ = symlink("../../outside", root.join("d/new"));
        let _ = fs::remove_file(root.join("d/new"));
    });
}

#[test]
fn a_staging_directory_that_somebody_else_prepared_is_not_used() {
    let site = Site::new();
    let before = treasure(&site);
    symlink("../outside", site.out(".vw-staging")).expect("symlink");
    let err = site.stage(&[write("a", "new")]).expect_err("a symlink").to_string();
    assert!(err.contains(".vw-staging cannot be written: a part of its path is a file"), "{err}");
    assert_eq!(treasure(&site), before);
    fs::remove_file(site.out(".vw-staging")).expect("unlink");
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root gives directories away");
    }
    fs::create_dir(site.out(".vw-staging")).expect("mkdir");
    std::os::unix::fs::chown(site.out(".vw-staging"), Some(4711), None).expect("chown");
    let err = site.stage(&[write("a", "new")]).expect_err("another's");
    let source = std::error::Error::source(&err).expect("it says why").to_string();
    assert!(source.contains("`.vw-staging` belongs to another user: remove it"), "{err}: {source}");
    assert_eq!(site.names(), [".vw-staging"]);
}

#[test]
fn a_staging_that_was_exchanged_for_another_is_not_swapped_in() {
    let site = Site::new();
    fs::write(site.out("a"), "old").expect("write");
    let entries = site.stage(&[write("a", "new")]).expect("staged").into_entries();
    fs::rename(site.out(".vw-staging/web/0/a"), site.out("taken")).expect("rename");
    fs::write(site.out(".vw-staging/web/0/a"), "the attacker's").expect("write");
    let err = swap(&entries, &Direct).expect_err("another file");
    let source = std::error::Error::source(&err).expect("it says why").to_string();
    assert!(source.contains("the next attempt stages it again"), "{err}: {source}");
    undo(&entries, &Direct).expect("undone");
    assert_eq!(fs::read(site.out("a")).expect("there"), b"old");
}

/// A file system of its own at a directory, for as long as it lives. Needs root; elsewhere there is none.
pub(super) struct Mount<'a>(&'a Path);

impl Mount<'_> {
    pub(super) fn new<'a>(options: &[&str], at: &'a Path) -> Option<Mount<'a>> {
        if rustix::process::geteuid().is_root() && command("mount", options, at) {
            return Some(Mount(at));
        }
        eprintln!("skipped: nothing can be mounted here");
        None
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        command("umount", &["-l"], self.0);
    }
}

fn command(program: &str, args: &[&str], at: &Path) -> bool {
    let output = std::process::Command::new(program).args(args).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_mount_point_is_found_before_anything_changes() {
    let site = Site::new();
    fs::create_dir_all(site.out("mounted")).expect("mkdir");
    fs::create_dir_all(site.out("bound")).expect("mkdir");
    fs::write(site.out("file"), "old").expect("write");
    fs::write(site.out("shown"), "other").expect("write");
    let (mounted, bound, file) = (site.out("mounted"), site.out("bound"), site.out("file"));
    let Some(_mounted) = Mount::new(&["-t", "tmpfs", "none"], &mounted) else { return };
    // Of the same file system and device: only the mount differs.
    let extra = site.extra("");
    let Some(_bound) = Mount::new(&["--bind", &extra], &bound) else { return };
    let shown = site.out("shown");
    let Some(_file) = Mount::new(&["--bind", shown.to_str().expect("text")], &file) else { return };
    let before = site.tree();
    for dest in ["mounted/a", "mounted/x/a", "bound/a"] {
        let err = site.stage(&[write("fine", "1"), write(dest, "2")]).expect_err(dest);
        assert!(matches!(err, ApplyError::Mounted { .. }), "{err:?}");
        assert!(err.to_string().contains("list it under `writes` in a sandbox file"), "{err}");
    }
    let err = site.stage(&[write("fine", "1"), write("file", "2")]).expect_err("file").to_string();
    assert!(err.contains("/out/file is a mount point, not a file: move it away"), "{err}");
    assert_eq!(site.tree(), before);
    assert!(!site.out(".vw-staging").exists());
    // Listed, it is a root of its own.
    let roots = Roots { output: site.out(""), writes: vec![mounted.clone()] };
    let changes = [write(mounted.join("x/a").to_str().expect("text"), "2")];
    let entries = crate::files::stage(&super::role(), &changes, &roots, &Direct).expect("staged").into_entries();
    swap(&entries, &Direct).expect("swapped");
    finish(&entries, &Direct).expect("finished");
    assert_eq!(fs::read(mounted.join("x/a")).expect("there"), b"2");
}

#[test]
fn a_full_or_read_only_disk_changes_nothing_and_keeps_nothing() {
    let site = Site::new();
    let out = site.roots.output.clone();
    let Some(_small) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"], &out) else { return };
    site.apply(&[write("a", "old"), write("b", "old")]).expect("it fits");
    let before = site.tree();
    let refused = |changes: &[_], part: &str| {
        let err = site.stage(changes).expect_err(part).to_string();
        assert!(err.contains(part), "{err}");
        assert_eq!(site.tree(), before);
    };
    let large = "x".repeat(100 << 10);
    refused(&[write("a", "new"), write("c", "new"), write("d/b", &large)], "the disk is full, make room");
    assert!(!site.out(".vw-staging").exists());
    let entries = site.stage(&[write("a", "new"), write("c/d", "new")]).expect("staged").into_entries();
    assert!(command("mount", &["-o", "remount,ro"], &out));
    refused(&[write("a", "newer"), write("e/f", "new")], "the file system is read-only");
    let err = swap(&entries, &Direct).expect_err("read-only").to_string();
    assert!(err.contains("the file system is read-only"), "{err}");
    let err = undo(&entries, &Direct).expect_err("the staging cannot be removed").to_string();
    assert!(err.contains("the file system is read-only"), "{err}");
    assert!(command("mount", &["-o", "remount,rw"], &out));
    undo(&entries, &Direct).expect("undone");
    assert_eq!(site.tree(), before);
    assert!(!site.out(".vw-staging").exists());
}

#[test]
fn what_cannot_be_put_back_is_said_and_waits() {
    let site = Site::new();
    let out = site.roots.output.clone();
    let Some(_small) = Mount::new(&["-t", "tmpfs", "none"], &out) else { return };
    fs::write(site.out("a"), "old").expect("write");
    let entries = site.stage(&[write("a", "new"), write("b", "new")]).expect("staged").into_entries();
    swap(&entries, &Direct).expect("swapped");
    assert!(command("mount", &["-o", "remount,ro"], &out));
    let err = undo(&entries, &Direct).expect_err("read-only");
    assert!(matches!(&err, ApplyError::NotRestored { left, .. } if *left == [site.out("b"), site.out("a")]), "{err:?}");
    assert!(err.to_string().contains("the file system is read-only, remount it"), "{err}");
    assert!(command("mount", &["-o", "remount,rw"], &out));
    undo(&entries, &Direct).expect("undone");
    assert_eq!(fs::read(site.out("a")).expect("there"), b"old");
    assert_eq!(site.names(), ["a"]);
}

#[test]
fn a_file_that_became_a_directory_is_refused() {
    let site = Site::new();
    let entries = site.stage(&[write("a", "new"), write("b", "new")]).expect("staged").into_entries();
    fs::create_dir(site.out("b")).expect("mkdir");
    let err = swap(&entries, &Direct).expect_err("a directory");
    assert!(matches!(&err, ApplyError::Changed { path, .. } if *path == site.out("b")), "{err:?}");
    undo(&entries, &Direct).expect("undone");
    assert_eq!(site.names(), ["b"]);
    let err = site.stage(&[write("a", "new"), write("b", "new")]).expect_err("a directory").to_string();
    assert!(err.contains("/out/b is a directory, not a file: move it away"), "{err}");
}
