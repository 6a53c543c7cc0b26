//! Whole roles on a real file system, with commands that are played: what is done, what is undone, what is told to whom.

mod crash;
mod ownership;
mod plan;
mod records;
mod world;

use std::path::Path;
use std::time::Duration;

use self::world::{World, command, file, run};
use super::*;
use crate::RenderedFile;
use crate::files::Direct;
use crate::role::{Cleanup, Piece, Probe, Program, Text};

/// A role of two files that reloads a service.
fn web(words: &str) -> RenderedRole {
    RenderedRole {
        files: vec![file("conf/a", &format!("a {words}")), file("conf/b", &format!("b {words}"))],
        duties: Duties { actions: vec![run("reload")], ..Duties::default() },
        ..RenderedRole::default()
    }
}

#[test]
fn files_are_written_and_services_told_where_something_changed() {
    let mut world = World::new();
    let deployed = world.deploy(&web("1")).expect("deployed");
    assert_eq!((deployed.written.len(), deployed.commands), (2, 1));
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1")].map(world::pair));
    assert_eq!(world.ran(), ["reload"]);
    let deployed = world.deploy(&web("1")).expect("deployed");
    assert!(deployed.is_idle() && deployed.unchanged == 2, "{deployed:?}");
    assert!(world.ran().is_empty());
    let mut half = web("1");
    half.files[1] = file("conf/b", "b 2");
    let deployed = world.deploy(&half).expect("deployed");
    assert_eq!((deployed.written.len(), deployed.unchanged, deployed.commands), (1, 1, 1));
    assert_eq!(world.ran(), ["reload"]);
}

#[test]
fn what_a_role_has_no_longer_goes_and_nothing_else() {
    let mut world = World::new();
    world.write("conf/own", "by hand");
    world.deploy(&web("1")).expect("deployed");
    let mut one = web("1");
    one.files.remove(1);
    let deployed = world.deploy(&one).expect("deployed");
    assert_eq!((deployed.removed.len(), deployed.unchanged), (1, 1));
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/own", "by hand")].map(world::pair));
    // Edited since: it stays, and is nobody's.
    world.write("conf/a", "mine now");
    one.files.clear();
    let deployed = world.deploy(&one).expect("deployed");
    assert_eq!((deployed.removed.len(), deployed.kept.len()), (0, 1));
    world.write("conf/a", "a 1");
    assert!(world.deploy(&one).expect("deployed").is_idle());
    assert_eq!(world.files().len(), 2);
}

#[test]
fn a_role_that_leaves_takes_its_files_along() {
    let mut world = World::new();
    world.write("conf/own", "by hand");
    let mut role = web("1");
    role.duties.on_remove = vec![run("farewell")];
    world.deploy(&role).expect("deployed");
    world.ran();
    let removed = world.remove().expect("removed");
    assert_eq!((removed.removed.len(), removed.commands), (2, 1));
    assert_eq!(world.files(), [("conf/own", "by hand")].map(world::pair));
    assert_eq!(world.ran(), ["farewell"]);
    assert_eq!(world.remembered(), Vec::<RoleName>::new());
    assert!(world.remove().expect("nothing to do").is_idle());
}

#[test]
fn a_farewell_that_fails_keeps_the_role() {
    let mut world = World::new();
    let mut role = web("1");
    role.duties.on_remove = vec![run("farewell")];
    world.deploy(&role).expect("deployed");
    world.ran();
    world.fails("farewell");
    let error = world.remove().expect_err("refused").to_string();
    assert_eq!(error, "role web: a.render.yaml:1: farewell failed; the former files are back, and the services were told so");
    assert_eq!(world.files().len(), 2);
    assert_eq!(world.ran(), ["farewell", "reload"]);
}

#[test]
fn a_check_that_fails_leaves_everything_as_it_is() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    let mut bad = web("2");
    bad.files[1].check = Some(CommandLine { arguments: vec![Text(vec![Piece::Staged])], ..command("check") });
    world.fails("check");
    let error = world.deploy(&bad).expect_err("refused").to_string();
    assert_eq!(error, "role web: conf/b was refused: a.render.yaml:1: check failed; nothing was changed");
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1")].map(world::pair));
    let ran = world.ran();
    assert!(ran.len() == 1 && ran[0].starts_with("check ") && ran[0].ends_with("/b = b 2"), "{ran:?}");
    assert!(world.is_clean());
    world.succeeds();
    assert_eq!(world.deploy(&bad).expect("deployed").written.len(), 2);
}

#[test]
fn what_may_not_run_is_found_out_before_anything_changes() {
    let mut world = World::new();
    let forbidden = |role: &mut RenderedRole| -> Vec<RenderedRole> {
        let mut roles = vec![role.clone(), role.clone(), role.clone()];
        roles[0].duties.actions = vec![run("first"), run("forbidden")];
        roles[1].duties.on_remove = vec![run("forbidden")];
        roles[2].files[0].check = Some(command("forbidden"));
        roles
    };
    for role in forbidden(&mut web("1")) {
        let error = world.deploy(&role).expect_err("refused").to_string();
        assert_eq!(error, "role web: a.render.yaml:1: forbidden; nothing was changed");
        assert!(world.ran().is_empty() && world.files().is_empty());
    }
}

#[test]
fn a_command_that_fails_brings_files_and_services_back() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    let mut bad = web("2");
    bad.files.push(file("conf/c", "new"));
    bad.duties.actions = vec![run("first"), run("second"), run("third")];
    world.fails("second");
    let error = world.deploy(&bad).expect_err("refused").to_string();
    assert_eq!(error, "role web: a.render.yaml:1: second failed; the former files are back, and the services were told so");
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1")].map(world::pair));
    assert_eq!(world.ran(), ["first", "second", "reload"]);
    assert!(world.is_clean());
}

#[test]
fn the_first_deployment_leaves_nothing_behind_when_it_fails() {
    let mut world = World::new();
    let mut role = web("1");
    let text = RenderedRole { arguments: [("0-x".to_owned(), b"words".to_vec())].into(), ..RenderedRole::default() };
    role.arguments = text.arguments;
    let told = CommandLine { arguments: vec![Text(vec![Piece::Argument("0-x".to_owned())])], ..command("switch") };
    role.duties.actions = vec![Action::Run(told), run("reload"), run("last")];
    world.fails("last");
    world.deploy(&role).expect_err("refused");
    assert_eq!(world.files(), []);
    // What takes a text would be told of the one that failed.
    let ran = world.ran();
    assert!(ran[0].starts_with("switch ") && ran[0].ends_with(" = words"), "{ran:?}");
    assert_eq!(ran[1..], ["reload", "last", "reload", "last"]);
    assert!(world.is_clean());
}

#[test]
fn a_text_that_changes_is_told_although_no_file_does() {
    let mut world = World::new();
    let told = CommandLine { arguments: vec![Text(vec![Piece::Argument("0-x".to_owned())])], ..command("switch") };
    let role = |words: &str| RenderedRole {
        arguments: [("0-x".to_owned(), words.as_bytes().to_vec())].into(),
        duties: Duties { actions: vec![Action::Run(told.clone())], ..Duties::default() },
        ..RenderedRole::default()
    };
    world.deploy(&role("one")).expect("deployed");
    assert!(world.ran()[0].ends_with(" = one"));
    assert!(world.deploy(&role("one")).expect("deployed").is_idle());
    world.fails("switch");
    world.deploy(&role("two")).expect_err("refused");
    let ran = world.ran();
    // The one in force is told again, with its own text.
    assert!(ran.len() == 2 && ran[0].ends_with(" = two") && ran[1].ends_with(" = one"), "{ran:?}");
}

#[test]
fn health_that_never_comes_brings_everything_back() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    let mut bad = web("2");
    let probe = Probe::Command(command("probe"));
    let second = Duration::from_secs(1);
    bad.duties.health = vec![Health { source: "a.render.yaml:9".to_owned(), probe, within: second, every: second, successes: 1 }];
    world.fails("probe");
    let error = world.deploy(&bad).expect_err("refused").to_string();
    assert!(error.starts_with("role web: probe failed; the former files are back"), "{error}");
    assert_eq!(world.files()[0].1, "a 1");
    assert_eq!(world.ran(), ["reload", "probe", "reload"]);
    world.succeeds();
    world.deploy(&bad).expect("deployed");
    assert_eq!(world.ran(), ["reload", "probe"]);
}

#[test]
fn conditions_look_at_what_is_below_their_directories() {
    let mut world = World::new();
    let commands = |name: &str| vec![command(name)];
    let when = |directory: &str, name: &str| Action::IfChanged { directories: vec![directory.into()], commands: commands(name) };
    let role = |a: &str, b: &str| RenderedRole {
        files: vec![file("x/a", a), file("y/b", b)],
        duties: Duties { actions: vec![when("x", "x changed"), when("y", "y changed"), when("z", "never")], ..Duties::default() },
        ..RenderedRole::default()
    };
    world.deploy(&role("1", "1")).expect("deployed");
    assert_eq!(world.ran(), ["x changed", "y changed"]);
    world.deploy(&role("1", "2")).expect("deployed");
    assert_eq!(world.ran(), ["y changed"]);
}

#[test]
fn files_of_others_go_where_a_render_file_says_so() {
    let mut world = World::new();
    for name in ["old", "kept", "web"] {
        world.write(&format!("conf/{name}.conf"), "by others");
    }
    let cleanup = Cleanup { source: "a:1".to_owned(), pattern: "conf/(*).conf".to_owned(), keep: vec!["kept".to_owned()] };
    let role = RenderedRole { files: vec![file("conf/web.conf", "ours")], cleanups: vec![cleanup], ..RenderedRole::default() };
    let deployed = world.deploy(&role).expect("deployed");
    assert_eq!((deployed.written.len(), deployed.removed.len()), (1, 1));
    assert_eq!(world.files(), [("conf/kept.conf", "by others"), ("conf/web.conf", "ours")].map(world::pair));
    // But not what another role answers for.
    world.write("conf/db.conf", "by the role db");
    world.others = vec![world.path("out/conf/db.conf")];
    assert!(world.deploy(&role).expect("deployed").is_idle());
    assert_eq!(world.files().len(), 3);
    world.others.clear();
    assert_eq!(world.deploy(&role).expect("deployed").removed.len(), 1);
}

#[test]
fn a_file_goes_whatever_its_size() {
    let mut world = World::new();
    world.write("conf/big.log", "");
    let large = std::fs::File::options().write(true).open(world.path("out/conf/big.log")).expect("opened");
    large.set_len((64 << 20) + 1).expect("grown");
    let cleanup = Cleanup { source: "a:1".to_owned(), pattern: "conf/(*).log".to_owned(), keep: Vec::new() };
    let role = RenderedRole { cleanups: vec![cleanup], ..web("1") };
    let deployed = world.deploy(&role).expect("deployed");
    assert_eq!((deployed.removed.len(), deployed.kept.len()), (1, 0));
    assert_eq!(world.files(), [("conf/a", "a 1"), ("conf/b", "b 1")].map(world::pair));
    world.ran();
    assert!(world.deploy(&role).expect("nothing to do").is_idle());
    assert!(world.ran().is_empty());
}

#[test]
fn a_strangers_file_that_somebody_writes_to_is_no_reason_to_deploy() {
    let mut world = World::new();
    world.write("conf/own.log", "");
    let path = world.path("out/conf/own.log");
    world.played.checked = Some(Box::new(move || {
        let mut log = std::fs::File::options().append(true).open(&path).expect("it stays");
        std::io::Write::write_all(&mut log, b"more\n").expect("written");
    }));
    let cleanup = Cleanup { source: "a:1".to_owned(), pattern: "conf/(*).log".to_owned(), keep: Vec::new() };
    let role = RenderedRole { cleanups: vec![cleanup], ..web("1") };
    assert_eq!(world.deploy(&role).expect("deployed").kept.len(), 0);
    world.ran();
    let planned = world.with(&Direct, |transactor, origin| transactor.plan(&world::role(), &role, origin, 1)).expect("planned");
    assert!(planned.is_idle(), "{planned:?}");
    assert!(world.deploy(&role).expect("nothing to do").is_idle());
    assert!(world.ran().is_empty());
    // Left alone, it goes.
    world.played.checked = None;
    assert_eq!(world.deploy(&role).expect("deployed").removed.len(), 1);
}

#[test]
fn what_is_a_secret_by_now_is_remembered_as_one() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    let mut role = web("1");
    role.files[0].private = true;
    let plan = |world: &mut World, role: &RenderedRole| {
        world.with(&Direct, |transactor, origin| transactor.plan(&world::role(), role, origin, 1)).expect("planned")
    };
    assert!(!plan(&mut world, &role).is_idle());
    assert!(world.deploy(&role).expect("deployed").is_idle());
    assert!(plan(&mut world, &role).is_idle());
    let private = |world: &World| world.records.load(&world::role()).expect("readable").generation.expect("in force").private;
    assert_eq!(private(&world), [world.path("out/conf/a")].into());
    assert!(world.deploy(&web("1")).expect("deployed").is_idle());
    assert!(private(&world).is_empty() && world.ran().is_empty());
}

#[test]
fn a_role_whose_record_is_damaged_is_left_alone() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    let record = world.path("roles/web.json");
    let text = std::fs::read_to_string(&record).expect("it is there");
    for (bad, part) in
        [("{", "is damaged"), (&text.replace("\"v\":1", "\"v\":7")[..], "version 7"), (&text.replace("web", "db"), "about the role db")]
    {
        std::fs::write(&record, bad).expect("written");
        let error = world.deploy(&web("2")).expect_err("refused").to_string();
        assert!(error.contains(part) && error.contains("nothing was changed"), "{error}");
        assert_eq!(world.files()[0].1, "a 1");
    }
    std::fs::remove_file(&record).expect("moved away");
    world.deploy(&web("2")).expect("deployed");
}

#[test]
fn records_that_cannot_be_written_change_nothing() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    world.ran();
    // A directory has the place of the record's next version.
    std::fs::remove_file(world.path("roles/web.json")).expect("removed");
    std::fs::create_dir(world.path("roles/web.json")).expect("made");
    let error = world.deploy(&web("2")).expect_err("refused").to_string();
    assert!(error.contains("web.json") && error.contains("nothing was changed"), "{error}");
    assert_eq!(world.files()[0].1, "a 1");
    assert!(world.ran().is_empty() && world.is_clean());
}

#[test]
fn bad_syntax_is_found_before_anything_is_staged() {
    let mut world = World::new();
    let mut role = web("1");
    role.files[1] = RenderedFile { format: Some(crate::Format::Json), ..file("conf/b", "{") };
    let error = world.deploy(&role).expect_err("refused").to_string();
    assert!(error.contains("is not valid json") && error.ends_with("; nothing was changed"), "{error}");
    assert!(!Path::new(&world.path("out")).exists());
}

#[test]
fn programs_are_told_apart() {
    let line = |program| CommandLine { program, ..command("x") };
    assert!(!line(Program::Shell).takes_texts());
    let with = CommandLine { arguments: vec![Text(vec![Piece::Argument("a".to_owned())])], ..command("x") };
    assert!(with.takes_texts());
}
