//! What the documents promise and the code can say by itself.

use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the document is there")
}

#[test]
fn the_readme_has_the_table_of_limits() {
    let table = verwalter::plugin::limits::markdown_table();
    assert!(read("README.md").contains(&table), "put this into README.md:\n{table}");
}

/// Recorded rounds name the engine, since fuel compares within one version of it only.
#[test]
fn the_engine_is_named_by_the_version_that_is_built_in() {
    let lock = read("Cargo.lock");
    let (_, package) = lock.split_once("name = \"wasmtime\"\nversion = \"").expect("it is locked");
    let major = package.split('.').next().expect("a version");
    assert_eq!(verwalter::plugin::ENGINE, format!("wasmtime {major}"));
}

#[test]
fn the_readme_names_every_exit_status() {
    use verwalter::exit::Exit;
    let statuses = [Exit::Done, Exit::Failed, Exit::Config, Exit::Sandbox, Exit::Storage, Exit::Listen, Exit::Toolchain, Exit::Differs];
    let readme = read("README.md");
    let line = readme.lines().find(|line| line.starts_with("Exit status:")).expect("the README has them in one line");
    for status in statuses {
        assert!(line.contains(&format!("{} ", status as u8)), "{status:?}");
    }
}

#[test]
fn the_readme_has_every_command() {
    use clap::CommandFactory;
    let readme = read("README.md");
    let (_, table) = readme.split_once("## Commands\n").expect("there is one");
    let (table, _) = table.split_once("\nExit status").expect("it ends");
    let told: Vec<Vec<&str>> = table.lines().filter_map(|row| row.strip_prefix("| ")?.split(" | ").next()).map(words).collect();
    for command in verwalter::cli::Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let rows: Vec<_> = told.iter().filter(|words| words.get(1) == Some(&command.get_name())).collect();
        assert!(!rows.is_empty(), "README.md has no `verwalter {}`", command.get_name());
        for below in command.get_subcommands() {
            let name = below.get_name();
            assert!(rows.iter().any(|words| words.contains(&name)), "README.md has no `verwalter {} {name}`", command.get_name());
        }
    }
}

/// What stands in a cell, without what surrounds words.
fn words(cell: &str) -> Vec<&str> {
    cell.split(|c: char| c.is_whitespace() || "`,[]".contains(c)).filter(|word| !word.is_empty()).collect()
}

/// What it says of render files, sandboxes and deploying, word by word, is read without a complaint.
#[test]
fn the_readmes_render_file_sandbox_and_settings_are_sound() {
    use crate::support::{Site, run_to_end};
    let readme = read("README.md");
    let (_, section) = readme.split_once("## What becomes of a role").expect("there is one");
    let blocks: Vec<&str> = section.split("```yaml\n").skip(1).take(3).map(|block| block.split("```").next().expect("its text")).collect();
    let site = Site::prepared();
    for template in ["nginx.conf.hbs", "units.hbs", "names.hbs"] {
        site.write(&format!("etc/templates/web/v1/{template}"), "");
    }
    site.write("etc/templates/web/v1/web.render.yaml", blocks[0]);
    site.write("etc/sandbox/readme.yaml", blocks[1]);
    site.write("etc/verwalter.yaml", blocks[2]);
    let check = || run_to_end(["check", "--config-dir", &site.path("etc").to_string_lossy()]);
    let ended = check();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("deploy:\n  mode: automatic\n  wait: { min: 2s, max: 10s }\n  splay: 30s\n  interval: 5m\n"),
        "{}",
        ended.out
    );
    site.write("etc/templates/web/v1/web.render.yaml", blocks[0].replace("files.names", "files.gone"));
    assert!(check().err.contains("there is no `files.gone`"), "it is looked at");
}

/// The Rust SDK's crates inherit the same in a project as here.
#[test]
fn a_projects_sdk_is_a_workspace_like_this_one() {
    let (own, project) = (read("Cargo.toml"), read("sdk/rust/workspace.toml"));
    let (_, own) = own.split_once("[workspace.package]").expect("the workspace says what its crates inherit");
    let (own, _) = own.split_once("\n[package]\n").expect("the host's own package comes next");
    let paths = "verwalter-core = { path = \"core\" }\nverwalter-plugin = { path = \"sdk/rust\" }\n";
    assert!(own.contains(paths), "{own}");
    let expected = own.replace(paths, "verwalter-core = { path = \"verwalter-core\" }\n");
    let (_, project) = project.split_once("[workspace.package]").expect("workspace.toml says it, too");
    assert_eq!(project.trim(), expected.trim(), "copy what differs into sdk/rust/workspace.toml");
}
