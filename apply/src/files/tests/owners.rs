//! Owners, groups, labels and attributes of files. Giving files away needs root, and these tests say so where it is missing.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};

use super::site::{Site, write};
use crate::ApplyError;
use crate::files::{Change, ChangeKind, Direct, Fate, swap, undo};

fn owned(dest: &str, text: &str, owner: &str, group: &str) -> Change {
    let mut change = write(dest, text);
    if let ChangeKind::Write(write) = &mut change.kind {
        (write.owner, write.group) = (Some(owner.into()), Some(group.into()));
    }
    change
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root gives files away");
    }
    root
}

fn owners(path: &Path) -> (u32, u32) {
    fs::metadata(path).map(|meta| (meta.uid(), meta.gid())).expect("there")
}

#[test]
fn a_file_gets_its_owner_and_group() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    site.apply(&[owned("a", "1", "4711", "4712")]).expect("applied");
    assert_eq!(owners(&site.out("a")), (4711, 4712));
    assert_eq!(fs::metadata(site.out("a")).expect("there").permissions().mode() & 0o7777, 0o640);
    let staged = site.stage(&[owned("a", "1", "4711", "4712")]).expect("staged");
    assert_eq!(staged.files()[0].fate, Fate::Unchanged);
    let staged = site.stage(&[owned("a", "1", "4711", "4713")]).expect("staged");
    assert_eq!(staged.files()[0].fate, Fate::Replace, "the group alone is a change");
    let entries = staged.into_entries();
    swap(&entries, &Direct).expect("swapped");
    assert_eq!(owners(&site.out("a")), (4711, 4713));
    undo(&entries, &Direct).expect("undone");
    assert_eq!(owners(&site.out("a")), (4711, 4712));
}

#[test]
fn the_former_files_owner_stays_when_none_is_given() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    fs::write(site.out("a"), "old").expect("write");
    chown(site.out("a"), Some(4711), Some(4712)).expect("chown");
    site.apply(&[write("a", "new")]).expect("applied");
    assert_eq!(owners(&site.out("a")), (4711, 4712));
    let mut change = write("a", "newer");
    if let ChangeKind::Write(write) = &mut change.kind {
        write.group = Some("4713".into());
    }
    site.apply(&[change]).expect("applied");
    assert_eq!(owners(&site.out("a")), (4711, 4713));
}

#[test]
fn an_owner_that_does_not_exist_is_refused_before_anything_changes() {
    let site = Site::new();
    let err = site.stage(&[write("fine", "1"), owned("a", "1", "no-such-user", "0")]).expect_err("unknown");
    assert!(matches!(err, ApplyError::Owner { .. }), "{err:?}");
    assert!(err.to_string().contains("there is no user `no-such-user` in /etc/passwd: create it, or give its number"), "{err}");
    assert_eq!(site.names(), [""; 0]);
}

#[test]
fn who_may_not_give_files_away_is_told() {
    if rustix::process::geteuid().is_root() {
        return eprintln!("skipped: root may");
    }
    let site = Site::new();
    let err = site.stage(&[write("fine", "1"), owned("a", "1", "0", "0")]).expect_err("not permitted");
    assert!(err.to_string().contains("run the daemon as root, or leave out `owner` and `group`"), "{err}");
    assert_eq!(site.names(), [""; 0]);
}

/// Whether the file system of `path` has attributes of this kind, and this user may set them.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let set = lsetxattr(path, name, value, XattrFlags::empty()).is_ok();
    if !set {
        eprintln!("skipped: {name} cannot be set here");
    }
    set
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let len = lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}

#[test]
fn labels_and_users_attributes_are_copied_and_no_others() {
    let site = Site::new();
    fs::write(site.out("a"), "old").expect("write");
    if !set(&site.out("a"), "user.origin", b"by hand") {
        return;
    }
    let labelled = set(&site.out("a"), "security.selinux", b"system_u:object_r:httpd_config_t:s0\0");
    let trusted = set(&site.out("a"), "trusted.overlay", b"x");
    site.apply(&[write("a", "new")]).expect("applied");
    assert_eq!(get(&site.out("a"), "user.origin").as_deref(), Some(&b"by hand"[..]));
    if labelled {
        assert_eq!(get(&site.out("a"), "security.selinux").as_deref(), Some(&b"system_u:object_r:httpd_config_t:s0\0"[..]));
    }
    if trusted {
        assert_eq!(get(&site.out("a"), "trusted.overlay"), None);
    }
}

#[test]
fn a_new_file_has_the_label_of_its_directory() {
    let site = Site::new();
    fs::create_dir(site.out("d")).expect("mkdir");
    if !set(&site.out("d"), "security.selinux", b"system_u:object_r:etc_t:s0\0") {
        return;
    }
    site.apply(&[write("d/a", "new")]).expect("applied");
    assert_eq!(get(&site.out("d/a"), "security.selinux").as_deref(), Some(&b"system_u:object_r:etc_t:s0\0"[..]));
}
