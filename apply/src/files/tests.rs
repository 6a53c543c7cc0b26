//! Real files in temporary directories: what is staged, swapped, undone, finished and refused.

mod crash;
mod hostile;
mod owners;
mod site;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use self::site::{Site, remove, role, write};
use super::*;
use crate::{Applied, ApplyError};

#[test]
fn stages_beside_the_places_and_changes_none() {
    let site = Site::new();
    fs::write(site.out("same"), "same").expect("write");
    fs::set_permissions(site.out("same"), fs::Permissions::from_mode(0o640)).expect("chmod");
    fs::write(site.out("old"), "old").expect("write");
    let before = site.tree();
    let changes = [write("same", "same"), write("old", "new"), write("x/y/old", "2"), write("x/z", "3")];
    let staged = site.stage(&changes).expect("staged");
    let fates: Vec<Fate> = staged.files().iter().map(|file| file.fate).collect();
    assert_eq!(fates, [Fate::Unchanged, Fate::Replace, Fate::Create, Fate::Create]);
    assert_eq!(staged.unchanged(), 1);
    assert_eq!(staged.files()[0].fresh(), Some(&*site.out("same")));
    for (index, text) in [(1, "new"), (2, "2"), (3, "3")] {
        let file = &staged.files()[index];
        let fresh = file.fresh().expect("staged");
        assert_eq!(fs::read_to_string(fresh).expect("there"), text);
        assert_eq!(fresh.file_name(), file.path.file_name(), "programs that check a file look at its name");
        let parent = fresh.parent().and_then(Path::parent).expect("the role's directory");
        assert_eq!(fs::metadata(parent).expect("there").mode() & 0o777, 0o700);
    }
    // x, x/y, and one entry a file that differs.
    assert_eq!(staged.entries().len(), 5);
    assert_eq!(site.tree(), before, "the places are what they were");
    drop(staged);
    assert!(!site.out(".vw-staging").exists(), "nothing is left behind");
}

#[test]
fn the_former_bytes_are_at_hand_for_a_diff() {
    let site = Site::new();
    fs::write(site.out("a"), "former bytes").expect("write");
    fs::set_permissions(site.out("a"), fs::Permissions::from_mode(0o604)).expect("chmod");
    let staged = site.stage(&[write("a", "new"), write("b", "new")]).expect("staged");
    let former = staged.files()[0].former(6).expect("read").expect("there");
    assert_eq!(former, Former { bytes: b"former".to_vec(), len: 12, mode: 0o604 });
    assert_eq!(staged.files()[1].former(6).expect("read"), None);
}

#[test]
fn swaps_undoes_and_finishes() {
    let site = Site::new();
    for name in ["a", "gone", "edited"] {
        fs::write(site.out(name), "old").expect("write");
    }
    let inode = fs::metadata(site.out("a")).expect("there").ino();
    let before = site.tree();
    let changes = [
        write("a", "new"),
        write("x/y/b", "new"),
        remove("gone", "old"),
        remove("edited", "what we wrote"),
        remove("never", "there"),
        write("x/c", "new"),
    ];
    let stage = || {
        let staged = site.stage(&changes).expect("staged");
        let fates: Vec<Fate> = staged.files().iter().map(|file| file.fate).collect();
        assert_eq!(fates, [Fate::Replace, Fate::Create, Fate::Remove, Fate::Kept, Fate::Gone, Fate::Create]);
        staged.into_entries()
    };
    let entries = stage();
    let applied = swap(&entries, &Direct).expect("swapped");
    assert_eq!(applied.written, [site.out("a"), site.out("x/y/b"), site.out("x/c")]);
    assert_eq!(applied.removed, [site.out("gone")]);
    let after = site.tree();
    assert_ne!(after, before);
    let undone = undo(&entries, &Direct).expect("undone");
    assert_eq!(undone.left, []);
    assert_eq!(site.tree(), before);
    assert_eq!(fs::metadata(site.out("a")).expect("there").ino(), inode, "it is the former file itself");
    assert!(!site.out(".vw-staging").exists());
    assert_eq!(undo(&entries, &Direct).expect("again"), Undone::default());
    assert_eq!(site.tree(), before);

    let entries = stage();
    swap(&entries, &Direct).expect("swapped");
    finish(&entries, &Direct).expect("finished");
    assert_eq!(site.tree(), after);
    assert!(!site.out(".vw-staging").exists());
    finish(&entries, &Direct).expect("again");
    assert_eq!(site.tree(), after);
    assert_eq!(fs::metadata(site.out("x")).expect("there").mode() & 0o777, 0o755);
}

#[test]
fn a_root_that_is_gone_holds_nothing_up() {
    let site = Site::new();
    let begin = || {
        for path in [site.roots.output.clone(), site.roots.writes[0].clone()] {
            fs::create_dir_all(&path).expect("made");
            fs::write(path.join("a"), "old").expect("write");
        }
        fs::write(site.extra("gone"), "old").expect("write");
        let (a, gone, new) = (site.extra("a"), site.extra("gone"), site.extra("x/new"));
        let entries = site.stage(&[write("a", "new"), write(&a, "new"), remove(&gone, "old"), write(&new, "new")]);
        let entries = entries.expect("staged").into_entries();
        swap(&entries, &Direct).expect("swapped");
        fs::remove_dir_all(&site.roots.writes[0]).expect("removed");
        entries
    };
    let undone = undo(&begin(), &Direct).expect("undone");
    assert_eq!(undone.lost, [site.extra("a"), site.extra("gone")].map(PathBuf::from));
    assert_eq!((undone.restored, undone.left), (vec![site.out("a")], Vec::new()));
    assert_eq!(fs::read(site.out("a")).expect("there"), b"old");
    finish(&begin(), &Direct).expect("finished");
    assert_eq!(fs::read(site.out("a")).expect("there"), b"new");
    // A file has the place of the root.
    let entries = begin();
    fs::write(&site.roots.writes[0], "").expect("write");
    assert_eq!(undo(&entries, &Direct).expect("undone").lost.len(), 2);
    assert!(!site.out(".vw-staging").exists() && !site.roots.writes[0].is_dir());
}

#[test]
fn former_files_that_wait_are_not_staged_over() {
    let site = Site::new();
    fs::write(site.out("a"), "old").expect("write");
    let staged = site.stage(&[write("a", "new")]).expect("staged");
    let entries = staged.entries().to_vec();
    swap(&entries, &Direct).expect("swapped");
    // Dropped as if nothing had happened: the former file still waits.
    drop(staged);
    let err = site.stage(&[write("a", "newer")]).expect_err("neither finished nor undone");
    assert!(matches!(&err, ApplyError::Pending { root, .. } if *root == site.roots.output), "{err:?}");
    undo(&entries, &Direct).expect("undone");
    assert_eq!(fs::read(site.out("a")).expect("there"), b"old");
    site.apply(&[write("a", "newer")]).expect("applied");
}

#[test]
fn a_file_may_become_a_directory() {
    let site = Site::new();
    fs::write(site.out("conf"), "old").expect("write");
    let before = site.tree();
    let entries = site.stage(&[write("conf/a", "new"), remove("conf", "old")]).expect("staged").into_entries();
    swap(&entries, &Direct).expect("swapped");
    assert_eq!(fs::read(site.out("conf/a")).expect("there"), b"new");
    undo(&entries, &Direct).expect("undone");
    assert_eq!(site.tree(), before);
}

#[test]
fn files_of_one_name_are_staged_apart() {
    let site = Site::new();
    let changes: Vec<Change> = (0..40).map(|n| write(&format!("{n}/conf"), &n.to_string())).collect();
    let staged = site.stage(&changes).expect("staged");
    for (n, file) in staged.files().iter().enumerate() {
        assert_eq!(fs::read_to_string(file.fresh().expect("staged")).expect("there"), n.to_string());
    }
    let entries = staged.into_entries();
    swap(&entries, &Direct).expect("swapped");
    finish(&entries, &Direct).expect("finished");
    assert_eq!(fs::read(site.out("39/conf")).expect("there"), b"39");
    assert_eq!(site.stage(&changes).expect("staged").unchanged(), 40);
}

#[test]
fn what_somebody_changed_after_the_swap_is_left() {
    let site = Site::new();
    for name in ["edited", "replaced", "vanished", "gone"] {
        fs::write(site.out(name), "old").expect("write");
    }
    let changes = [
        write("edited", "new"),
        write("replaced", "new"),
        write("vanished", "new"),
        write("created", "new"),
        write("created and edited", "new"),
        remove("gone", "old"),
    ];
    let entries = site.stage(&changes).expect("staged").into_entries();
    swap(&entries, &Direct).expect("swapped");
    fs::write(site.out("edited"), "by hand").expect("write");
    fs::write(site.out("created and edited"), "by hand").expect("write");
    fs::write(site.out("other"), "by hand").expect("write");
    fs::rename(site.out("other"), site.out("replaced")).expect("rename");
    fs::remove_file(site.out("vanished")).expect("unlink");
    fs::write(site.out("gone"), "by hand").expect("write");
    let undone = undo(&entries, &Direct).expect("undone");
    let left = |name: &str, former: Option<&str>| Left { path: site.out(name), former: former.map(|former| site.out(former)) };
    assert_eq!(
        undone.left,
        [
            left("created and edited", None),
            left("replaced", Some("replaced.~1~")),
            left("edited", Some("edited.~1~")),
            left("gone", Some("gone.~1~")),
        ]
    );
    for (name, text) in [("edited", "by hand"), ("replaced", "by hand"), ("gone", "by hand"), ("created and edited", "by hand")] {
        assert_eq!(fs::read_to_string(site.out(name)).expect(name), text);
    }
    for name in ["edited.~1~", "replaced.~1~", "gone.~1~", "vanished"] {
        assert_eq!(fs::read_to_string(site.out(name)).expect(name), "old");
    }
    assert!(!site.out("created").exists());
}

#[test]
fn what_somebody_changed_before_the_swap_is_found() {
    let site = Site::new();
    let refused = |change: Change, meddle: &dyn Fn()| {
        for name in ["a", "gone"] {
            fs::write(site.out(name), "old").expect("write");
        }
        let _ = fs::remove_file(site.out("b"));
        let entries = site.stage(&[write("first", "new"), change]).expect("staged").into_entries();
        meddle();
        let before = site.tree();
        let err = swap(&entries, &Direct).expect_err("changed");
        assert!(matches!(err, ApplyError::Changed { .. }), "{err:?}");
        undo(&entries, &Direct).expect("undone");
        assert_eq!(site.tree(), before);
    };
    refused(write("a", "new"), &|| {
        fs::write(site.out("other"), "by hand").expect("write");
        fs::rename(site.out("other"), site.out("a")).expect("rename");
    });
    refused(write("a", "new"), &|| fs::remove_file(site.out("a")).expect("unlink"));
    refused(write("b", "new"), &|| fs::write(site.out("b"), "by hand").expect("write"));
    refused(remove("gone", "old"), &|| fs::write(site.out("gone"), "by hand").expect("write"));
    refused(write("a", "new"), &|| {
        fs::remove_file(site.out("a")).expect("unlink");
        symlink("/etc/passwd", site.out("a")).expect("symlink");
    });
    fs::remove_file(site.out("a")).expect("unlink");
    refused(write("a", "new"), &|| {
        fs::remove_file(site.out("a")).expect("unlink");
        fs::create_dir(site.out("a")).expect("mkdir");
        fs::write(site.out("a/inner"), "by hand").expect("write");
    });
}

#[test]
fn backups_are_numbered_and_pruned() {
    let site = Site::new();
    fs::write(site.out("a.~x~"), "not a backup").expect("write");
    for version in 0..5 {
        let mut change = write("a", &format!("version {version}"));
        if let ChangeKind::Write(write) = &mut change.kind {
            write.backups = 2;
        }
        let entries = site.stage(&[change]).expect("staged").into_entries();
        swap(&entries, &Direct).expect("swapped");
        finish(&entries, &Direct).expect("finished");
        finish(&entries, &Direct).expect("again");
    }
    assert_eq!(site.names(), ["a", "a.~3~", "a.~4~", "a.~x~"]);
    assert_eq!(fs::read_to_string(site.out("a.~4~")).expect("there"), "version 3");
    assert_eq!(fs::read_to_string(site.out("a.~3~")).expect("there"), "version 2");
}

#[test]
fn a_hard_link_of_the_former_file_keeps_its_bytes() {
    let site = Site::new();
    fs::write(site.out("a"), "old").expect("write");
    fs::hard_link(site.out("a"), site.temp.path().join("elsewhere")).expect("link");
    let applied = site.apply(&[write("a", "new")]).expect("applied");
    assert_eq!(applied, Applied { written: vec![site.out("a")], ..Applied::default() });
    assert_eq!(fs::read(site.temp.path().join("elsewhere")).expect("there"), b"old");
    assert_eq!(fs::read(site.out("a")).expect("there"), b"new");
}

#[test]
fn two_roles_stage_in_one_root() {
    let site = Site::new();
    let other = verwalter_core::names::RoleName::new("db").expect("valid");
    let web = site.stage(&[write("a", "1")]).expect("staged");
    let db = stage(&other, &[write("b", "2")], &site.roots, &Direct).expect("staged").into_entries();
    drop(web);
    swap(&db, &Direct).expect("swapped");
    finish(&db, &Direct).expect("finished");
    assert_eq!(site.names(), ["b"]);
    assert_eq!(role().as_str(), "web");
}

#[test]
fn too_many_files_or_bytes_are_refused() {
    let site = Site::new();
    let many: Vec<Change> = (0..=stage::MAX_ROLE_FILES).map(|n| write(&n.to_string(), "")).collect();
    let err = site.stage(&many).expect_err("too many");
    assert_eq!(err.to_string(), "role web: its files are too much for one node: 20001 files, at most 20000 are applied: split the role");
    let large = "x".repeat(33 << 20);
    let err = site.stage(&[write("a", &large), write("b", &large)]).expect_err("too large");
    assert!(matches!(err, ApplyError::TooLarge { limit: stage::MAX_ROLE_BYTES, .. }), "{err:?}");
}

#[test]
fn a_clash_is_refused() {
    let site = Site::new();
    let clash = |changes: &[Change]| {
        let err = site.stage(changes).expect_err("a clash");
        assert!(matches!(err, ApplyError::Clash { .. }), "{err:?}");
    };
    clash(&[write("a", "1"), write("./a", "2")]);
    clash(&[write("a", "1"), write("b", ""), write("a/b", "2")]);
    clash(&[write("a", "1"), remove("a", "1")]);
    clash(&[remove("a", "1"), remove("a", "1")]);
}

#[test]
fn two_ways_to_one_place_are_a_clash() {
    let site = Site::new();
    fs::create_dir(site.out("v1")).expect("mkdir");
    symlink("v1", site.out("current")).expect("symlink");
    for (one, other) in [("v1/a", "current/a"), ("v1/x/a", "current/x/a")] {
        let err = site.stage(&[write(one, "1"), write(other, "2")]).expect_err("one place");
        assert!(matches!(err, ApplyError::Clash { .. }), "{err:?}");
    }
    let mut roots = site.roots.clone();
    roots.writes.push(site.temp.path().join("alias"));
    symlink("out", &roots.writes[1]).expect("symlink");
    let alias = roots.writes[1].join("b").into_os_string().into_string().expect("text");
    let err = stage(&role(), &[write("a", "1"), write(&alias, "2")], &roots, &Direct).expect_err("one root");
    assert!(matches!(err, ApplyError::Root { .. }), "{err:?}");
    assert_eq!(site.names(), ["current", "v1"]);
}

/// Counts what is waited for.
#[derive(Default)]
struct Syncs(std::cell::Cell<usize>);

impl Steps for Syncs {
    fn before(&self, step: Step) -> std::io::Result<()> {
        self.0.set(self.0.get() + usize::from(step == Step::Sync));
        Ok(())
    }
}

#[test]
fn a_thousand_files_do_not_wait_for_the_disk_a_thousand_times() {
    let site = Site::in_memory();
    // Those of the files, the root, and two in the staging.
    for (dirs, most) in [(1, 4), (10, 13), (100, 1)] {
        let changes: Vec<Change> = (0..1000).map(|n| write(&format!("{}/{n}", n % dirs), "new")).collect();
        let syncs = Syncs::default();
        let entries = stage(&role(), &changes, &site.roots, &syncs).expect("staged").into_entries();
        assert_eq!(syncs.0.take(), 1, "the file system as a whole");
        swap(&entries, &syncs).expect("swapped");
        let count = syncs.0.take();
        assert!(count <= most, "{dirs} directories: {count}");
        undo(&entries, &syncs).expect("undone");
        let count = syncs.0.take();
        assert!(count <= most, "{dirs} directories: {count}");
    }
}

#[test]
fn a_removal_outside_of_the_roots_is_none() {
    let site = Site::new();
    let outside = site.temp.path().join("outside");
    fs::write(&outside, "old").expect("write");
    let staged = site.stage(&[remove(outside.to_str().expect("text"), "old")]).expect("staged");
    assert_eq!(staged.files()[0].fate, Fate::Kept);
    assert!(staged.entries().is_empty());
}

#[test]
fn a_lost_staging_is_swept_and_only_that() {
    let site = Site::new();
    site.stage(&[write("a", "1"), write("x/b", "1")]).expect("staged").into_entries();
    assert!(site.out(".vw-staging/web").exists());
    assert_eq!(sweep(&site.roots).expect("swept"), 1);
    assert_eq!(site.names(), [""; 0]);
    assert_eq!(sweep(&site.roots).expect("swept"), 0);
}
