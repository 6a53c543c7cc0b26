//! The conformance suite: in every language, the same four sample plugins give the same answers, errors and log lines, and meet the same
//! limits. A language that was not built is left out, and that is told past the capture of a test's output: nobody shall take it for a pass.
//!
//! Rust, C and WAT lie in the tree, `sdk/prebuilt/LANGUAGE/sample-KIND.{wasm,yaml}`; others are looked for below `$VERWALTER_TEST_SAMPLES`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use verwalter::lab::conformance::{self, KINDS, Sample};

use crate::support::core_plugin;

fn tree() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sdk")
}

/// Everything that is wrong with the samples in `dir`.
fn wrong(dir: &Path) -> Vec<String> {
    let cache = tempfile::tempdir().expect("a temporary directory");
    let activator = super::activator(&cache);
    let samples = conformance::samples(dir);
    let missing = KINDS.into_iter().filter(|kind| !samples.iter().any(|sample| sample.kind == *kind));
    let mut wrong: Vec<String> = missing.map(|kind| format!("{}: there is no sample-{kind}.wasm", dir.display())).collect();
    for sample in &samples {
        let conformed = conformance::run(&activator, sample, &tree().join("vectors/samples"));
        wrong.extend(conformed.wrong.into_iter().map(|line| format!("{}: {line}", sample.file.display())));
    }
    wrong
}

/// One language: as it lies in the tree, and as it was built elsewhere.
fn check(language: &str) {
    let elsewhere = std::env::var_os("VERWALTER_TEST_SAMPLES").map(|dir| PathBuf::from(dir).join(language));
    let places: Vec<PathBuf> =
        [Some(tree().join("prebuilt").join(language)), elsewhere].into_iter().flatten().filter(|dir| dir.is_dir()).collect();
    if places.is_empty() {
        let told = format!(
            "left out: the sample plugins in {language}: build them and set VERWALTER_TEST_SAMPLES (sdk/vectors/samples/README.md)"
        );
        writeln!(std::io::stderr(), "{told}").expect("somebody reads it");
    }
    let wrong: Vec<String> = places.iter().flat_map(|dir| wrong(dir)).collect();
    assert!(wrong.is_empty(), "{} things:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rust() {
    check("rust");
}

#[test]
fn c() {
    check("c");
}

#[test]
fn wat() {
    check("wat");
}

#[test]
fn zig() {
    check("zig");
}

#[test]
fn go() {
    check("go");
}

#[test]
fn assemblyscript() {
    check("assemblyscript");
}

#[test]
fn javascript() {
    check("javascript");
}

#[test]
fn python() {
    check("python");
}

/// Whoever adds prebuilt samples adds those of all three languages that `cargo test` must not leave out.
#[test]
fn the_tree_has_the_languages_that_need_no_toolchain() {
    if !tree().join("prebuilt").is_dir() {
        return;
    }
    for language in ["c", "rust", "wat"] {
        assert_eq!(conformance::samples(&tree().join("prebuilt").join(language)).len(), KINDS.len(), "{language}");
    }
}

#[test]
fn a_plugin_that_is_no_sample_does_not_pass() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("written");
    let constant = r#"(data (i32.const 1024) "\007") (func (export "vw_query") (param i32 i32) (result i64) (i64.const 8589935616))
        (func (export "vw_render_roles") (param i32 i32) (result i64) (i64.const 8589935616))"#;
    write("sample-query.wasm", &core_plugin(constant));
    write("sample-query.yaml", b"kind: query\n");
    let found: Vec<Sample> = conformance::samples(dir.path());
    assert_eq!(found.len(), 1);
    let wrong = wrong(dir.path());
    for told in [
        "there is no sample-scheduler.wasm",
        ": role: answer: expected {",
        ": no-schedule: expected the error `no schedule is in force`",
        ": render-roles: ",
    ] {
        assert!(wrong.iter().any(|line| line.contains(told)), "{told}: {wrong:#?}");
    }
}
