//! What an operator says belongs to a role: what goes then and what stays, what is refused, and that nothing is half done.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::crash::Dies;
use super::world::{World, file, pair, role, run};
use super::*;
use crate::files::Direct;

fn strings(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn adopt(world: &mut World, paths: &[&str]) -> Result<usize, String> {
    let paths = strings(paths);
    world.with(&Direct, |transactor, _| transactor.adopt(&role(), &paths)).map(|files| files.len()).map_err(|err| err.to_string())
}

fn disown(world: &mut World, paths: Option<&[&str]>) -> Result<usize, String> {
    let paths = paths.map(strings);
    let done = world.with(&Direct, |transactor, _| transactor.disown(&role(), paths.as_deref()));
    done.map(|files| files.len()).map_err(|err| err.to_string())
}

/// Whole paths of the files that belong to the role, below the output directory.
fn owned(world: &World) -> Vec<String> {
    let record = world.records.load(&role()).expect("readable");
    let below = |path: &std::path::Path| path.strip_prefix(world.path("out")).expect("below").display().to_string();
    record.files().into_keys().map(below).collect()
}

fn one(path: &str, text: &str) -> RenderedRole {
    RenderedRole { files: vec![file(path, text)], ..RenderedRole::default() }
}

#[test]
fn adopted_files_that_are_not_produced_go_and_the_others_stay() {
    let mut world = World::new();
    for path in ["conf/a", "conf/old", "conf/edited", "conf/own"] {
        world.write(path, "by hand");
    }
    assert_eq!(adopt(&mut world, &["conf/a", "./conf//old", "conf/edited"]), Ok(3));
    assert_eq!(owned(&world), ["conf/a", "conf/edited", "conf/old"]);
    world.write("conf/edited", "once more");
    let deployed = world.deploy(&one("conf/a", "by hand")).expect("deployed");
    assert_eq!((deployed.unchanged, deployed.removed.len(), deployed.kept.len()), (1, 1, 1));
    assert_eq!(world.files(), [("conf/a", "by hand"), ("conf/edited", "once more"), ("conf/own", "by hand")].map(pair));
    assert_eq!(owned(&world), ["conf/a"]);
    // Edited since, and adopted again as it is now.
    assert_eq!(adopt(&mut world, &["conf/edited"]), Ok(1));
    let removed = world.remove().expect("removed");
    assert_eq!(removed.removed.len(), 2);
    assert_eq!(world.files(), [("conf/own", "by hand")].map(pair));
    assert!(world.remembered().is_empty());
}

#[test]
fn a_role_that_was_never_deployed_may_own_files() {
    let mut world = World::new();
    world.write("a", "by hand");
    world.write("b", "by hand");
    assert_eq!(adopt(&mut world, &["a", "b"]), Ok(2));
    world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("a restart");
    assert_eq!(owned(&world), ["a", "b"]);
    // What fails leaves them its own, and tells services again that were told of what failed.
    let mut bad = one("a", "new");
    bad.duties.actions = vec![run("reload"), run("bad")];
    world.fails("bad");
    world.deploy(&bad).expect_err("it fails");
    assert_eq!(world.ran(), ["reload", "bad", "reload", "bad"]);
    assert_eq!((world.files(), owned(&world).len()), ([("a", "by hand"), ("b", "by hand")].map(pair).to_vec(), 2));
    fs::remove_file(world.path("out/b")).expect("it is there");
    assert_eq!(world.remove().expect("removed").removed.len(), 1);
    assert!(world.files().is_empty() && world.remembered().is_empty());
    // All of them gone meanwhile: there is nothing to do, and nothing is remembered.
    world.write("a", "by hand");
    adopt(&mut world, &["a"]).expect("adopted");
    fs::remove_file(world.path("out/a")).expect("it is there");
    assert!(world.remove().expect("removed").is_idle());
    assert!(world.remembered().is_empty());
}

#[test]
fn what_cannot_be_adopted_and_why() {
    let mut world = World::new();
    world.write("good", "x");
    world.write("dir/file", "x");
    world.write("a.conf.~1~", "x");
    world.write("large", &"x".repeat(4096));
    fs::write(world.path("outside"), "x").expect("written");
    let out = world.path("out");
    symlink(out.join("good"), out.join("link")).expect("made");
    symlink("dir", out.join("to-dir")).expect("made");
    symlink(world.path(""), out.join("up")).expect("made");
    let large = fs::File::options().write(true).open(out.join("large")).expect("opened");
    large.set_len((64 << 20) + 1).expect("a hole");
    rustix::fs::mknodat(rustix::fs::CWD, out.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).expect("a pipe");
    let other = RoleName::new("other").expect("valid");
    world.write("theirs", "x");
    world.with(&Direct, |transactor, _| transactor.adopt(&other, &strings(&["theirs", "dir/file"]))).expect("adopted");
    let mut check = |paths: &[&str], told: &str| {
        let error = adopt(&mut world, paths).expect_err(told);
        assert!(error.starts_with("role web: ") && error.contains(told) && error.ends_with("; nothing was changed"), "{paths:?}: {error}");
        assert_eq!(error.matches("role web: ").count(), 1, "{error}");
    };
    check(&[], "0 files are to be adopted: name from 1 to 1000");
    check(&vec!["good"; 1001], "1001 files are to be adopted");
    check(&["good", "absent"], "out/absent cannot be adopted: there is no such file");
    check(&["good", "absent/a"], "out/absent/a cannot be adopted: there is no such file");
    check(&["good/a"], "out/good/a cannot be adopted: there is no such file");
    check(&["good", "./good"], "out/good cannot be adopted: it is named twice");
    check(&["dir"], "out/dir cannot be adopted: it is a directory, and only files can be a role's");
    check(&["link"], "out/link cannot be adopted: it is a symlink");
    check(&["pipe"], "out/pipe cannot be adopted: it is a device, pipe or socket");
    check(&["good", "large"], "out/large cannot be adopted: with it they are larger than all files of a role may be (64 MiB)");
    check(&["a.conf.~1~"], "that of a former version");
    check(&[".vw-staging/web/0/a"], "temporary files");
    check(&["up/outside"], "leads through a symlink out of");
    check(&["../outside"], "contains `..`");
    check(&["/etc/passwd"], "lies outside of what this node lets be written");
    check(&["dir/"], "names a directory");
    check(&["a\0b"], "contains a NUL");
    check(&["theirs"], "out/theirs belongs to the role other: forget it there first");
    check(&["to-dir/file"], "it is the same file as");
    assert!(!world.records.knows(&role()).expect("readable"), "nothing is remembered of what was refused");
    // Through a symlink that stays below, a file is as good as any.
    world.write("dir/mine", "x");
    assert_eq!(adopt(&mut world, &["to-dir/mine"]), Ok(1));
    assert_eq!(owned(&world), ["to-dir/mine"]);
    assert!(adopt(&mut world, &["dir/mine"]).expect_err("the same").contains("the same file as"));
}

#[test]
fn forgotten_files_stay_whatever_becomes_of_the_role() {
    let mut world = World::new();
    let mut both = one("a", "x");
    both.files.push(file("b", "x"));
    both.duties.on_remove = vec![run("farewell")];
    world.deploy(&both).expect("deployed");
    let mut check = |paths: &[&str], told: &str| {
        let error = disown(&mut world, Some(paths)).expect_err(told);
        assert!(error.contains(told) && error.ends_with("; nothing was changed"), "{error}");
    };
    check(&[], "no file is named");
    check(&["a", "c"], "out/c does not belong to it: `verwalter role list web` shows what does");
    assert_eq!(owned(&world), ["a", "b"]);
    assert_eq!(disown(&mut world, Some(&["a", "./a"])), Ok(1));
    assert_eq!(owned(&world), ["b"]);
    let removed = world.remove().expect("removed");
    assert_eq!((removed.removed.len(), removed.commands), (1, 1));
    assert_eq!(world.files(), [("a", "x")].map(pair));
    world.ran();
    world.deploy(&both).expect("deployed");
    assert_eq!(disown(&mut world, None), Ok(2));
    assert!(world.remembered().is_empty());
    assert!(world.remove().expect("nothing to do").is_idle());
    assert_eq!((world.files(), world.ran().len()), ([("a", "x"), ("b", "x")].map(pair).to_vec(), 0));
    let error = disown(&mut world, None).expect_err("nothing is left");
    assert!(error.contains("nothing is remembered of it on this node"), "{error}");
}

#[test]
fn a_deployment_makes_what_it_produces_the_roles_own_again() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    assert_eq!(disown(&mut world, Some(&["conf/a"])), Ok(1));
    let deployed = world.deploy(&web("1")).expect("deployed");
    assert!(deployed.is_idle() && world.ran().is_empty(), "{deployed:?}");
    assert_eq!(owned(&world), ["conf/a", "conf/b"]);
    // Without a record it is as if it came for the first time.
    disown(&mut world, None).expect("forgotten");
    let deployed = world.deploy(&web("1")).expect("deployed");
    assert_eq!((deployed.unchanged, deployed.commands), (2, 1));
    assert_eq!(owned(&world), ["conf/a", "conf/b"]);
}

/// Dies as soon as one of the role's files is new and nothing is committed.
fn dies_after_the_swap(world: &mut World) {
    for steps in 0.. {
        let dies = Dies(Cell::new(steps));
        let work = AssertUnwindSafe(|| world.with(&dies, |transactor, origin| transactor.deploy(&role(), &web("2"), origin).map(drop)));
        catch_unwind(work).expect_err("it dies before it commits");
        if world.files().contains(&pair(("conf/a", "a 2"))) {
            return;
        }
        world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("undone");
    }
}

#[test]
fn a_directory_that_is_gone_holds_up_neither_the_role_nor_its_end() {
    let mut world = World::new();
    let extra = world.path("extra");
    fs::create_dir(&extra).expect("made");
    world.roots.writes.push(extra.clone());
    let there = |text: &str| one(&extra.join("conf/a").display().to_string(), text);
    world.deploy(&there("1")).expect("deployed");
    for steps in 0.. {
        let dies = Dies(Cell::new(steps));
        let work = AssertUnwindSafe(|| world.with(&dies, |transactor, origin| transactor.deploy(&role(), &there("2"), origin).map(drop)));
        catch_unwind(work).expect_err("it dies before it commits");
        if fs::read(extra.join("conf/a")).expect("there") == b"2" {
            break;
        }
        world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("undone");
    }
    assert!(world.records.load(&role()).expect("readable").pending.is_some());
    fs::remove_dir_all(&extra).expect("removed");
    world.roots.writes.clear();
    world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("there is nothing to undo");
    world.deploy(&one("conf/a", "2")).expect("deployed");
    assert_eq!(world.files(), [("conf/a", "2")].map(pair));
    // What was committed there, and no crash.
    fs::create_dir(&extra).expect("made");
    world.roots.writes.push(extra.clone());
    world.deploy(&there("3")).expect("deployed");
    fs::remove_dir_all(&extra).expect("removed");
    assert_eq!(disown(&mut world, None), Ok(1));
    assert!(world.remembered().is_empty());
}

#[test]
fn whenever_it_dies_what_was_adopted_is_the_roles_or_gone() {
    for steps in 0.. {
        let mut world = World::new();
        world.deploy(&one("a", "1")).expect("deployed");
        world.write("old", "by hand");
        adopt(&mut world, &["old"]).expect("adopted");
        let dies = Dies(Cell::new(steps));
        let work =
            AssertUnwindSafe(|| world.with(&dies, |transactor, origin| transactor.deploy(&role(), &one("a", "2"), origin).map(drop)));
        let died = catch_unwind(work).is_err();
        world.with(&Direct, |transactor, _| transactor.recover(&role())).expect("undone");
        let (files, owned) = (world.files(), owned(&world));
        let before = files == [("a", "1"), ("old", "by hand")].map(pair) && owned == ["a", "old"];
        let after = files == [("a", "2")].map(pair) && owned == ["a"];
        assert!(before || after, "step {steps}: {files:?} {owned:?}");
        if !died {
            assert!(after && steps > 10, "it died {steps} times");
            return;
        }
    }
}

#[test]
fn what_a_crash_left_is_undone_first() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.write("more", "by hand");
    let record = |world: &World| world.records.load(&role()).expect("readable");
    dies_after_the_swap(&mut world);
    assert!(record(&world).pending.is_some());
    assert_eq!(adopt(&mut world, &["more"]), Ok(1));
    assert!(record(&world).pending.is_none());
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1"), ("more", "by hand")].map(pair));
    dies_after_the_swap(&mut world);
    assert_eq!(disown(&mut world, None), Ok(3));
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1"), ("more", "by hand")].map(pair));
    assert!(world.is_clean());
}
