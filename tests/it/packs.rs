//! The template packs of `templates/`, each on a running node with its example, its own programs where they are installed, and two other
//! nodes to place on. What comes of it is compared with `expected/` byte for byte; `VERWALTER_UPDATE_PACKS=1` writes that anew.
//!
//! A pack is installed as its README says, but for this: `/etc` and `/run` are directories of the test, and programs that would reach the
//! machine are played by scripts.

mod bench;
mod haproxy;
mod hosts;
mod lithos;
mod nginx;
mod systemd;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Site, run_to_end};

/// All of them.
const PACKS: [&str; 5] = ["haproxy", "hosts", "lithos", "nginx", "systemd"];

/// Where a pack lies.
fn pack(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(name)
}

/// All files below a directory, by path below it.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let below = path.strip_prefix(dir).expect("it was found there").to_str().expect("UTF-8").to_owned();
            found.insert(below, fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display())));
        }
    }
    found
}

#[test]
fn every_pack_has_the_same_parts() {
    let listed: Vec<String> = fs::read_dir(pack(""))
        .expect("it is there")
        .map(|entry| entry.expect("it can be read"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(listed.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), PACKS.into_iter().collect());
    for name in PACKS {
        let dir = pack(name);
        assert!(dir.join("sandbox.yaml").is_file() && !files(&dir.join("expected")).is_empty(), "{name}");
        assert!(!files(&dir.join("example/runtime")).is_empty(), "{name}");
        let readme = fs::read_to_string(dir.join("README.md")).unwrap_or_default();
        for part in ["## Installing", "## Variables", "## What it makes", "sandbox.yaml"] {
            assert!(readme.contains(part), "{name}: {part}");
        }
        // What the README tells to copy is there.
        for path in readme.split([' ', '\n', '`']).filter(|word| word.starts_with("templates/")) {
            assert!(pack("..").join(path).exists(), "{name}: {path}");
        }
        // Whatever the templates read stands in the README's table of variables.
        let variables: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        for runtime in files(&dir.join("example/runtime")).values().filter(|text| text.contains(&format!("template: {name}/"))) {
            let vars = runtime.split("\nvars:\n").nth(1).expect("the example has variables");
            let keys =
                vars.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
            for key in keys.map(|line| line.split(':').next().unwrap_or_default()) {
                assert!(variables.contains(&key), "{name}: the README has no `{key}`: {variables:?}");
            }
        }
    }
}

/// As they are in the tree, with nothing adapted to a test: all of them on one node are sound configuration.
#[test]
fn all_packs_together_are_sound() {
    let site = Site::prepared();
    for part in ["runtime", "templates", "sandbox"] {
        fs::remove_dir_all(site.path("etc").join(part)).expect("the demo has it");
    }
    for name in PACKS {
        for (file, text) in files(&pack(name).join("v1")) {
            site.write(&format!("etc/templates/{name}/v1/{file}"), text);
        }
        for (file, text) in files(&pack(name).join("example/runtime")) {
            site.write(&format!("etc/runtime/{file}"), text);
        }
        site.write(&format!("etc/sandbox/{name}.yaml"), fs::read(pack(name).join("sandbox.yaml")).expect("every pack has one"));
    }
    let etc = site.path("etc").display().to_string();
    let ended = run_to_end(["check", "--config-dir", &etc]);
    assert_eq!((ended.status, ended.err), (Some(0), format!("{etc}: no errors\n")));
    assert!(ended.out.contains("# templates: haproxy/v1, hosts/v1, lithos/v1, nginx/v1, systemd/v1\n"), "{}", ended.out);
}
