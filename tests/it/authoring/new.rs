//! `plugin new`: every template becomes a whole project, and nothing is written where it must not be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use verwalter::plugin::manifest::Manifest;

use super::{files, run_in, tree, write};

const KINDS: [&str; 4] = ["scheduler", "policy", "filter", "query"];
const NAME: &str = "my-own_2";

/// The languages and kinds that the tree has templates for.
fn templates() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(tree().join("sdk")).expect("sdk/ is there") {
        let dir = entry.expect("an entry").path();
        let language = dir.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let has = |kind: &&str| dir.join("recipe.yaml").exists() && dir.join("templates").join(kind).is_dir();
        found.extend(KINDS.into_iter().filter(has).map(|kind| (language.clone(), kind)));
    }
    found.sort();
    assert!(!found.is_empty(), "no language has a template");
    found
}

/// A language that has a template of a scheduler.
fn any_language() -> String {
    templates().into_iter().find(|(_, kind)| *kind == "scheduler").expect("a scheduler's").0
}

#[test]
fn every_template_becomes_a_whole_project() {
    for (language, kind) in templates() {
        let dir = tempfile::tempdir().expect("a directory");
        let ended = run_in(dir.path(), None, ["plugin", "new", "--lang", &language, "--kind", kind, NAME]);
        assert_eq!(ended.status, Some(0), "{language} {kind}: {ended:#?}");
        assert!(ended.out.starts_with(&format!("{NAME}: a {kind} in {language}\n")), "{}", ended.out);
        for next in ["cd my-own_2", "verwalter plugin build", "verwalter plugin test", "verwalter plugin bench"] {
            assert!(ended.out.lines().any(|line| line == format!("  {next}")), "{next}: {}", ended.out);
        }
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "{language} {kind}: nothing temporary is left");
        whole(&dir.path().join(NAME), &language, kind);
    }
}

fn whole(project: &Path, language: &str, kind: &str) {
    let text = |path: &str| fs::read_to_string(project.join(path)).unwrap_or_else(|err| panic!("{language} {kind}: {path}: {err}"));
    let files = files(project);
    for path in &files {
        let own = !["sdk/", "wit/", "cases/"].iter().any(|dir| path.starts_with(dir));
        let placeholder = |text: &str| text.contains(&format!("sample-{kind}")) || text.contains(&format!("sample_{kind}"));
        assert!(!own || !placeholder(path) && !placeholder(&text(path)), "{language} {kind}: {path} has the sample's name");
        let made = ["build/", "target/", "node_modules/", "__pycache__/", "Cargo.lock", "package-lock.json"];
        assert!(!made.iter().any(|made| path.contains(made)), "{language} {kind}: {path} was made by a tool");
    }
    let known: Vec<String> = text("project.yaml").lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    for line in [format!("name: {NAME}"), format!("kind: {kind}"), format!("language: {language}")] {
        assert!(known.contains(&line), "{language} {kind}: {line}: {known:?}");
    }
    let manifest = Manifest::read(&project.join(format!("{NAME}.yaml"))).unwrap_or_else(|errors| panic!("{language} {kind}: {errors:?}"));
    assert_eq!(manifest.kind.to_string(), kind, "{language} {kind}");
    for command in ["plugin build", "plugin test", "plugin bench"] {
        assert!(text("README.md").contains(&format!("verwalter {command}")), "{language} {kind}: README.md does not tell {command}");
    }
    assert!(text(".gitignore").lines().any(|line| line.trim_start_matches('/') == "build/"), "{language} {kind}: .gitignore has no build/");
    assert_eq!(text("wit/plugin.wit"), fs::read_to_string(tree().join("sdk/wit/plugin.wit")).expect("the contract"));
    assert!(files.iter().any(|path| path.starts_with("sdk/") && !path.starts_with("sdk/LICENSE")), "{language} {kind}: no SDK");
    let cases: Vec<&str> = files.iter().filter_map(|path| path.strip_prefix("cases/")?.strip_suffix("/expected.json")).collect();
    assert!((4..=12).contains(&cases.len()), "{language} {kind}: {cases:?}");
    for case in cases {
        let has = |file: &str| files.contains(&format!("cases/{case}/{file}"));
        assert!(!case.starts_with("limit-") && (has("input.json") || has("config.json")), "{language} {kind}: {case}");
    }
}

#[test]
fn programs_stay_programs() {
    if !tree().join("sdk/rust/recipe.yaml").exists() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(run_in(dir.path(), None, ["plugin", "new", "--lang", "rust", NAME]).status, Some(0));
    let mode = |path: &str| fs::metadata(dir.path().join(NAME).join(path)).expect("it is there").permissions().mode() & 0o111;
    assert_ne!(mode("sdk/toolchain"), 0);
    assert_eq!(mode("Cargo.toml"), 0);
}

/// Status 2 and these words, nothing written.
fn refused(args: &[&str], told: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let ended = run_in(dir.path(), None, [&["plugin", "new"], args].concat());
    assert_eq!(ended.status, Some(2), "{args:?}: {ended:#?}");
    assert!(ended.err.contains(told), "{told}: {}", ended.err);
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 0, "{args:?}");
}

#[test]
fn names_languages_and_kinds_are_checked() {
    let language = any_language();
    let lang = language.as_str();
    refused(&["--lang", lang, "Mine"], "must begin with a lower-case letter or a digit");
    refused(&["--lang", lang, "../mine"], "must begin with a lower-case letter or a digit");
    refused(&["--lang", lang, "mine/own"], "may hold lower-case letters, digits, `_`, `.` and `-` only");
    refused(&["--lang", lang, ""], "is empty");
    refused(&["--lang", lang, &"x".repeat(65)], "is longer than 64 characters");
    refused(&["--lang", lang, "2mine"], "begin with a letter, and leave out dots");
    refused(&["--lang", lang, "mine.own"], "begin with a letter, and leave out dots");
    refused(&["--lang", lang, "verwalter-plugin"], "that is the SDK's own name");
    refused(&["--lang", lang, "--kind", "shedule", "mine"], "there are scheduler, policy, filter, query");
    refused(&["--lang", "cobol", "mine"], &format!("[possible values: {}", templates()[0].0));
    refused(&["mine"], "--lang <LANG>");
}

#[test]
fn what_is_there_stays() {
    let language = any_language();
    let new = |dir: &Path, args: &[&str]| run_in(dir, None, [&["plugin", "new", "--lang", &language], args].concat());
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "mine/own", "mine");
    let ended = new(dir.path(), &["mine"]);
    let told = "verwalter: mine exists and is not empty: give another directory with --dir\n";
    assert_eq!((ended.status, ended.err.as_str(), files(dir.path())), (Some(1), told, vec!["mine/own".to_owned()]));
    let ended = new(dir.path(), &["mine", "--dir", "mine/own"]);
    let told = "verwalter: mine/own exists and is no directory: give another one with --dir\n";
    assert_eq!((ended.status, ended.err.as_str(), files(dir.path())), (Some(1), told, vec!["mine/own".to_owned()]));
    let ended = new(dir.path(), &["mine", "--dir", "no/such"]);
    assert_eq!((ended.status, files(dir.path())), (Some(1), vec!["mine/own".to_owned()]), "{ended:#?}");
    assert!(ended.err.contains("/no cannot be written: No such file or directory"), "{ended:#?}");
    let ended = new(dir.path(), &["mine", "--dir", "/proc/mine"]);
    assert!(ended.status == Some(1) && ended.err.contains("/proc cannot be written"), "{ended:#?}");
}

#[test]
fn an_empty_directory_is_filled_also_when_one_stands_in_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let ended = run_in(dir.path(), None, ["plugin", "new", "--lang", &any_language(), "mine", "--dir", "."]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(dir.path().join("project.yaml").is_file() && dir.path().join("mine.yaml").is_file());
    assert!(!files(dir.path()).iter().any(|path| path.starts_with(".new-")), "nothing temporary is left");
}

/// A disk that gets full in the middle, played by a limit on the size of files.
#[test]
fn what_cannot_be_finished_is_taken_back() {
    for there in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        if there {
            fs::create_dir(dir.path().join("mine")).expect("made");
        }
        let command = "trap '' XFSZ; ulimit -f 8; exec \"$0\" plugin new --lang \"$1\" mine";
        let output = Command::new("sh")
            .args(["-c", command, env!("CARGO_BIN_EXE_verwalter"), &any_language()])
            .current_dir(dir.path())
            .output()
            .expect("sh runs");
        let err = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.code() == Some(1) && err.contains(" cannot be written: File too large"), "{err}");
        assert_eq!(files(dir.path()), Vec::<String>::new());
        assert_eq!(dir.path().join("mine").exists(), there);
    }
}
