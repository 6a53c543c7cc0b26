//! A plan beside the deployment that follows it: what was told is what is done, and telling it did nothing.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::world::{World, command, file, role, run};
use super::*;
use crate::files::{Direct, Fate};

/// Everything below a directory, records and staging included, with what tells whether it was touched.
fn standing(world: &World) -> BTreeMap<String, (u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let mut found = BTreeMap::new();
    let mut open = vec![world.path("")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let meta = entry.metadata().expect("it is there");
            found.insert(entry.path().display().to_string(), (meta.ino(), meta.mtime(), meta.mtime_nsec()));
            if meta.is_dir() {
                open.push(entry.path());
            }
        }
    }
    found
}

fn plan(world: &mut World, rendered: Option<&RenderedRole>) -> Planned {
    let planned = world.with(&Direct, |transactor, origin| match rendered {
        Some(rendered) => transactor.plan(&role(), rendered, origin, 1 << 20),
        None => transactor.plan_removal(&role(), 1 << 20),
    });
    planned.expect("planned")
}

/// The commands of a plan by name, but for those that wait for what is not known.
fn certain(planned: &Planned) -> Vec<String> {
    let certain = planned.commands.iter().filter(|command| !matches!(command.when, When::IfChanged(_)));
    certain
        .map(|command| match &command.line.program {
            Program::Named(name) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn paths(planned: &Planned, fates: &[Fate]) -> Vec<std::path::PathBuf> {
    planned.files.iter().filter(|looked| fates.contains(&looked.file.fate)).map(|looked| looked.file.path.clone()).collect()
}

/// Up to four files of five names, each with one of three texts, and a check of one.
fn roles() -> impl Strategy<Value = RenderedRole> {
    let files = proptest::collection::btree_map(0_u8..5, (0_u8..3, any::<bool>()), 0..4);
    (files, 0_u8..2).prop_map(|(files, words)| RenderedRole {
        files: files
            .into_iter()
            .map(|(name, (text, checked))| {
                let check = checked.then(|| command("check"));
                RenderedFile { check, ..file(&format!("d{}/f{name}", name % 2), &format!("{text}\n")) }
            })
            .collect(),
        duties: Duties {
            actions: vec![
                Action::IfChanged { directories: vec!["d0".into()], commands: vec![run("zero").commands()[0].clone()] },
                run(if words == 0 { "reload" } else { "restart" }),
            ],
            on_remove: vec![run("farewell")],
            ..Duties::default()
        },
        ..RenderedRole::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_told_is_what_is_done(before in proptest::option::of(roles()), edited in proptest::option::of(0_u8..5), after in proptest::option::of(roles())) {
        let mut world = World::new();
        if let Some(before) = &before {
            world.deploy(before).expect("deployed");
        }
        if let Some(name) = edited {
            world.write(&format!("d{}/f{name}", name % 2), "by hand");
        }
        // The output directory is made by whoever looks first.
        plan(&mut world, after.as_ref());
        world.ran();
        let stood = standing(&world);
        let planned = plan(&mut world, after.as_ref());
        prop_assert_eq!(&stood, &standing(&world));
        prop_assert_eq!(world.ran(), Vec::<String>::new());
        let deployed = match &after {
            Some(after) => world.deploy(after),
            None => world.remove(),
        };
        let deployed = deployed.expect("deployed");
        prop_assert_eq!(paths(&planned, &[Fate::Create, Fate::Replace]), deployed.written);
        prop_assert_eq!(paths(&planned, &[Fate::Remove]), deployed.removed);
        prop_assert_eq!(paths(&planned, &[Fate::Kept]), deployed.kept);
        let told = certain(&planned);
        prop_assert_eq!(planned.is_idle(), deployed.commands == 0 && told.is_empty() && planned.files.iter().all(|looked| matches!(looked.file.fate, Fate::Unchanged | Fate::Gone)));
        prop_assert_eq!(told, world.ran().into_iter().map(|ran| ran.trim_end().to_owned()).collect::<Vec<_>>());
    }
}

#[test]
fn what_could_not_be_deployed_cannot_be_planned() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    let mut broken = web("2");
    broken.files[1] = RenderedFile { format: Some(crate::Format::Json), ..file("conf/b", "{") };
    let mut forbidden = web("2");
    forbidden.duties.actions = vec![run("forbidden")];
    let mut outside = web("2");
    outside.files[0].dest = "/etc/passwd".to_owned();
    for bad in [broken, forbidden, outside] {
        let planned = world.with(&Direct, |transactor, origin| transactor.plan(&role(), &bad, origin, 1 << 20));
        let told = planned.expect_err("refused").to_string();
        assert_eq!(told, world.deploy(&bad).expect_err("refused").to_string());
    }
}

#[test]
fn what_is_in_place_comes_with_it() {
    let mut world = World::new();
    let mut secret = web("1");
    secret.files[0].private = true;
    world.deploy(&secret).expect("deployed");
    let planned = plan(&mut world, Some(&web("2")));
    let former: Vec<_> =
        planned.files.iter().map(|looked| (looked.former.as_ref().map(|former| former.bytes.clone()), looked.private)).collect();
    assert_eq!(former, [(Some(b"a 1".to_vec()), true), (Some(b"b 1".to_vec()), false)], "what was private stays so");
}

#[test]
fn what_is_only_remembered_is_told_too() {
    let mut world = World::new();
    world.deploy(&web("1")).expect("deployed");
    assert!(plan(&mut world, Some(&web("1"))).is_idle());
    let mut other = web("1");
    other.duties.actions.clear();
    other.duties.on_remove = vec![run("farewell")];
    let planned = plan(&mut world, Some(&other));
    assert!(planned.remembers && !planned.is_idle() && planned.commands.is_empty(), "{planned:?}");
    assert_ne!(planned.told, plan(&mut world, Some(&web("1"))).told);
    world.deploy(&other).expect("deployed");
    assert!(plan(&mut world, Some(&other)).is_idle());
}
