//! The house rules that a compiler does not check: who may name what, how files begin, how long they are. It never changes a file.

mod source;

use std::collections::BTreeSet;
use std::path::Path;

use source::Source;

/// Where the program's own code lies.
const PROGRAM: [&str; 4] = ["src/", "core/src/", "apply/src/", "collect/src/"];
/// Longest file there, in lines: above it, split by noun.
const MAX_LINES: usize = 400;

/// Each big dependency is named in one place, so that it can be replaced there.
const HOMES: [(&[&str], &[&str]); 13] = [
    (&["wasmtime", "wasmparser", "rayon"], &["src/plugin.rs", "src/plugin/"]),
    (&["handlebars"], &["src/render.rs", "src/render/"]),
    (&["axum", "prometheus_client", "tower"], &["src/http.rs", "src/http/"]),
    (&["hyper", "hyper_util", "http_body_util"], &["src/http.rs", "src/http/", "collect/src/exchange.rs"]),
    (&["procfs"], &["collect/src/"]),
    (&["cbor4ii"], &["collect/src/cantal/"]),
    (&["foca", "chacha20poly1305"], &["collect/src/agent.rs", "collect/src/agent/"]),
    (&["notify"], &["src/watch.rs", "src/watch/"]),
    (&["serde_saphyr"], &["src/config.rs", "src/config/", "src/plugin/manifest.rs", "src/render.rs", "src/render/"]),
    (&["wast"], &["src/cli/plugin/assemble.rs"]),
    (&["cap_std"], &["apply/src/", "src/storage.rs"]),
    (&["landlock", "nix"], &["apply/src/command/", "apply/src/confine/"]),
    (&["granit_parser", "toml", "toml_parser"], &["apply/src/format.rs", "apply/src/format/"]),
];

/// The arrows between modules go one way, as ARCHITECTURE.md has them: who may never name whom.
const ARROWS: [(&[&str], &[&str]); 5] = [
    (
        &["src/deploy.rs", "src/deploy/", "src/round.rs", "src/round/", "src/reload.rs", "src/reload/"],
        &["crate::http", "crate::status", "crate::lab"],
    ),
    (&["src/round.rs", "src/round/", "src/render.rs", "src/render/"], &["crate::plugin"]),
    (&["src/plugin.rs", "src/plugin/"], &["crate::render", "crate::cluster"]),
    (
        &["src/plugin.rs", "src/plugin/", "src/render.rs", "src/render/", "src/config.rs", "src/config/", "src/store.rs", "src/storage.rs"],
        &["crate::http", "crate::status", "crate::lab", "crate::deploy", "crate::round", "crate::reload"],
    ),
    (&["src/http.rs", "src/http/"], &["crate::lab"]),
];

/// Those at the top, and who alone may name them.
const TOPS: [(&str, &[&str]); 2] = [("crate::cli", &["src/cli.rs", "src/cli/"]), ("crate::app", &["src/app.rs", "src/cli/"])];

/// The core reads no clock, file or socket and knows no engine. Addresses as values are welcome.
const NOT_IN_CORE: [&str; 11] = [
    "std::fs",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::process",
    "std::env",
    "tokio",
    "wasmtime",
];

/// The one file where compiled code is mapped.
const UNSAFE_HOME: &str = "src/plugin/cache.rs";

fn is_program(file: &Source) -> bool {
    PROGRAM.iter().any(|area| file.path.starts_with(area))
}

fn is_below(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| if place.ends_with('/') { path.starts_with(place) } else { path == *place })
}

fn dependencies_stay_at_home(file: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, path) in file.paths() {
        for (crates, homes) in HOMES {
            let named = path.split("::").next().unwrap_or_default();
            if path.contains("::") && crates.contains(&named) && is_program(file) && !is_below(&file.path, homes) {
                wrong.push(format!("{}:{line}: names `{named}`: only {} may; offer what you need there", file.path, homes.join(", ")));
            }
        }
    }
    wrong
}

fn arrows_go_one_way(file: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, path) in file.paths() {
        let never = ARROWS.iter().filter(|(from, _)| is_below(&file.path, from)).flat_map(|(_, never)| *never);
        let top = TOPS.iter().filter(|(_, may)| !is_below(&file.path, may)).map(|(top, _)| top);
        if let Some(target) = never.chain(top).find(|never| is_inside(&path, never)) {
            let mend = "move what both need to where both may see it, or go through a trait in core's ports";
            wrong.push(format!("{}:{line}: names `{target}`, and arrows go the other way: {mend}", file.path));
        }
    }
    wrong
}

/// Whether `path` is `module` or something in it.
fn is_inside(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn core_is_pure(file: &Source) -> Vec<String> {
    if !file.path.starts_with("core/src/") {
        return Vec::new();
    }
    let impure = |path: &str| NOT_IN_CORE.iter().any(|never| is_inside(path, never) && path.contains("::"));
    let wrong = file.paths().into_iter().filter(|(_, path)| impure(path));
    wrong.map(|(line, path)| format!("{}:{line}: names `{path}`: the core is pure; let the caller pass it in", file.path)).collect()
}

fn files_begin_with_their_purpose(file: &Source) -> Vec<String> {
    if file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("{}:1: does not begin with `//! `: say what the file is for and what it never does", file.path)]
}

fn files_are_short(file: &Source) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= MAX_LINES || !is_program(file) {
        return Vec::new();
    }
    vec![format!("{}:{lines}: is longer than {MAX_LINES} lines: split it by noun", file.path)]
}

fn no_mod_rs(file: &Source) -> Vec<String> {
    let Some(parent) = file.path.strip_suffix("/mod.rs") else { return Vec::new() };
    vec![format!("{}:1: is a `mod.rs`: name it {parent}.rs", file.path)]
}

fn tests_do_not_sleep(file: &Source) -> Vec<String> {
    if !file.path.starts_with("tests/") && !file.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let sleeps = |path: &str| ["sleep", "sleep_until"].contains(&path.rsplit("::").next().unwrap_or_default());
    let wrong = file.paths().into_iter().filter(|(_, path)| path.contains("::") && sleeps(path));
    wrong.map(|(line, path)| format!("{}:{line}: calls `{path}`: wait for what the test is about, under a deadline", file.path)).collect()
}

fn no_test_is_ignored(file: &Source) -> Vec<String> {
    let ignores = |line: &str| {
        let line: String = line.split_whitespace().collect();
        line.contains("#[ignore]") || line.contains("#[ignore=")
    };
    let wrong = file.code.lines().enumerate().filter(|(_, line)| ignores(line));
    wrong.map(|(index, _)| format!("{}:{}: ignores a test: mend it or remove it", file.path, index + 1)).collect()
}

fn unsafe_stays_at_home(file: &Source) -> Vec<String> {
    let areas = ["src/", "core/", "apply/", "collect/", "tests/"];
    if file.path == UNSAFE_HOME || !areas.iter().any(|area| file.path.starts_with(area)) {
        return Vec::new();
    }
    let wrong = file.paths().into_iter().filter(|(_, path)| path == "unsafe");
    wrong.map(|(line, _)| format!("{}:{line}: is unsafe: only {UNSAFE_HOME} may be", file.path)).collect()
}

/// A file that no `mod` names is not compiled, and nobody notices.
fn every_file_is_a_module(files: &[Source]) -> Vec<String> {
    let mut declared = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in files {
        let own = file.path.trim_end_matches(".rs");
        let (dir, name) = own.rsplit_once('/').unwrap_or(("", own));
        let is_root = matches!(name, "lib" | "main");
        let dir = if is_root { dir } else { own };
        if is_root {
            declared.insert(file.path.clone());
        }
        for (line, module) in file.modules() {
            let path = format!("{dir}/{module}.rs");
            if !files.iter().any(|other| other.path == path) {
                wrong.push(format!("{}:{line}: declares `mod {module}`, but {path} is not there", file.path));
            }
            declared.insert(path);
        }
    }
    let areas = ["src/", "core/src/", "apply/src/", "collect/src/", "sdk/rust/src/", "tests/it/"];
    let orphans = files.iter().filter(|file| areas.iter().any(|area| file.path.starts_with(area)) && !declared.contains(&file.path));
    wrong.extend(orphans.map(|file| format!("{}:1: belongs to no module: declare it with `mod`, or remove it", file.path)));
    wrong
}

type Rule = fn(&Source) -> Vec<String>;

const RULES: [Rule; 9] = [
    dependencies_stay_at_home,
    arrows_go_one_way,
    core_is_pure,
    files_begin_with_their_purpose,
    files_are_short,
    no_mod_rs,
    tests_do_not_sleep,
    no_test_is_ignored,
    unsafe_stays_at_home,
];

#[test]
fn the_tree_is_tidy() {
    let files = source::read_tree(Path::new(env!("CARGO_MANIFEST_DIR")));
    for present in ["src/lib.rs", "src/config.rs", "core/src/lib.rs", "tests/it/tidy.rs"] {
        assert!(files.iter().any(|file| file.path == present), "{present} was not read: the rules were checked on the wrong tree");
    }
    let mut wrong: Vec<_> = RULES.iter().flat_map(|rule| files.iter().flat_map(rule)).collect();
    wrong.extend(every_file_is_a_module(&files));
    assert!(wrong.is_empty(), "{} untidy places:\n{}", wrong.len(), wrong.join("\n"));
}

/// Checks one rule against one made-up file: `expect` is the line that is found wrong.
fn check(rule: Rule, path: &str, text: &str, expect: Option<usize>) {
    let wrong = rule(&Source::new(path, text));
    let lines: Vec<_> = wrong.iter().map(|message| message.split(':').nth(1).and_then(|line| line.parse().ok())).collect();
    assert_eq!(lines, expect.map(Some).into_iter().collect::<Vec<_>>(), "{path}: {text}: {wrong:?}");
}

#[test]
fn each_rule_finds_what_it_is_for() {
    check(dependencies_stay_at_home, "src/round.rs", "//! x\nuse wasmtime::Store;", Some(2));
    check(dependencies_stay_at_home, "src/round/a.rs", "fn f() -> ::handlebars::Handlebars {}", Some(1));
    check(dependencies_stay_at_home, "src/plugin/a.rs", "use wasmtime::{Store, Module};", None);
    check(dependencies_stay_at_home, "src/round.rs", "// wasmtime::Store\nlet s = \"wasmtime::Store\";", None);
    check(arrows_go_one_way, "src/plugin/call.rs", "use crate::{config, round::Round};", Some(1));
    check(arrows_go_one_way, "src/plugin.rs", "fn f() { crate::http::serve() }", Some(1));
    check(arrows_go_one_way, "src/plugin.rs", "use crate::renderer::x;", None);
    check(arrows_go_one_way, "src/http/routes.rs", "crate::cli::why::explain(&in_force, &role, node);", Some(1));
    check(arrows_go_one_way, "src/http/routes.rs", "use crate::{store, why};", None);
    check(arrows_go_one_way, "src/app.rs", "use crate::cli::run;", Some(1));
    check(arrows_go_one_way, "src/lab.rs", "use crate::app::App;", Some(1));
    check(arrows_go_one_way, "src/cli/run.rs", "use crate::{app::App, cli::print};", None);
    check(arrows_go_one_way, "src/deploy/plan.rs", "use crate::http::plan::APPLY_WAIT;", Some(1));
    check(arrows_go_one_way, "src/config/units.rs", "use crate::app::Options;", Some(1));
    check(arrows_go_one_way, "src/store.rs", "use crate::cluster::Lease;", None);
    check(arrows_go_one_way, "src/render/set.rs", "use crate::{\n    config,\n    plugin,\n};", Some(3));
    check(core_is_pure, "core/src/a.rs", "use std::{fmt, fs::File};", Some(1));
    check(core_is_pure, "core/src/a.rs", "let t = std::time::Instant::now();", Some(1));
    check(core_is_pure, "core/src/a.rs", "use std::time::Duration;", None);
    check(core_is_pure, "src/a.rs", "use std::fs;", None);
    check(files_begin_with_their_purpose, "src/a.rs", "use std::fs;", Some(1));
    check(files_begin_with_their_purpose, "src/a.rs", "//! Why.", None);
    check(files_are_short, "src/a.rs", &"\n".repeat(MAX_LINES + 1), Some(MAX_LINES + 1));
    check(files_are_short, "src/a.rs", &"\n".repeat(MAX_LINES), None);
    check(no_mod_rs, "src/a/mod.rs", "", Some(1));
    check(no_mod_rs, "src/a/remod.rs", "", None);
    check(tests_do_not_sleep, "tests/it/a.rs", "x;\nstd::thread::sleep(d);", Some(2));
    check(tests_do_not_sleep, "src/a/tests.rs", "tokio::time::sleep(d).await", Some(1));
    check(tests_do_not_sleep, "src/a.rs", "tokio::time::sleep(d).await", None);
    check(no_test_is_ignored, "tests/it/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", Some(2));
    check(no_test_is_ignored, "tests/it/a.rs", "// #[ignore]\nlet ignore = 1;", None);
    check(unsafe_stays_at_home, "src/a.rs", "fn f() { unsafe { g() } }", Some(1));
    check(unsafe_stays_at_home, "src/a.rs", "#![forbid(unsafe_code)] // unsafe", None);
    check(unsafe_stays_at_home, UNSAFE_HOME, "unsafe { g() }", None);
}

#[test]
fn orphans_and_missing_modules_are_found() {
    let tree =
        |files: &[(&str, &str)]| every_file_is_a_module(&files.iter().map(|(path, text)| Source::new(path, text)).collect::<Vec<_>>());
    let sound = [("src/lib.rs", "pub mod a;"), ("src/a.rs", "mod b;\nmod tests { mod c {} }"), ("src/a/b.rs", "")];
    assert_eq!(tree(&sound), Vec::<String>::new());
    assert_eq!(tree(&sound[..1]), ["src/lib.rs:1: declares `mod a`, but src/a.rs is not there"]);
    let orphan = [("src/lib.rs", "// mod a;"), ("src/a.rs", "")];
    assert_eq!(tree(&orphan), ["src/a.rs:1: belongs to no module: declare it with `mod`, or remove it"]);
}
