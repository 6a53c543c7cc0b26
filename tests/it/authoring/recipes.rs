//! What a recipe needs is looked for first, and all that is missing is told at once; what is wrong with a recipe is told with its place.

use std::path::Path;

use super::{files, run_in, script, write};
use crate::support::{Ended, core_plugin};

/// A project whose recipe is this text, eight blanks in.
fn project(recipe: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let recipe: String = recipe.lines().map(|line| format!("{}\n", line.strip_prefix("      ").unwrap_or(line))).collect();
    write(dir.path(), "project.yaml", format!("name: mine\nkind: policy\nlanguage: cobol\nrecipe:{recipe}"));
    write(dir.path(), "mine.yaml", "kind: policy\n");
    write(dir.path(), "plugin", core_plugin(r#"(func (export "vw_review") (param i32 i32) (result i64) (i64.const 0))"#));
    dir
}

fn build(dir: &Path) -> Ended {
    run_in(dir, None, ["plugin", "build"])
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let dir = project(
        r#"
        needs:
        - what: a compiler for COBOL
          any:
          - run: [cobc, --version]
            sets: { cobc: [cobc] }
          - run: [bin/broken, "two words"]
            sets: { cobc: [bin/broken] }
          install: ["Debian: apt-get install gnucobol", "elsewhere: build it"]
        - what: its library
          any: [{ run: ["{cobc}", --print-libs] }]
          install: ["comes with the compiler"]
        - what: the newest linker
          any: [{ run: [bin/linker], at-least: "2.10" }]
          install: ["PyPI: pip install linker"]
        - what: something that is there
          any: [{ run: [bin/there], at-least: "2" }]
          install: ["never told"]
        steps: [{ run: [touch, "{out}"] }]
        "#,
    );
    script(dir.path(), "bin/broken", "echo 'no licence found' >&2; exit 7");
    script(dir.path(), "bin/linker", "echo 'linker, version 2.9.1'");
    script(dir.path(), "bin/there", "echo 'there 2 of 3'");
    let ended = build(dir.path());
    let told = "\
missing: a compiler for COBOL
  tried    cobc --version: not found
  tried    bin/broken 'two words': exit status: 7: no licence found
  install  Debian: apt-get install gnucobol
  install  elsewhere: build it
missing: its library
  tried    '{cobc}' --print-libs: needs what is missing above
  install  comes with the compiler
missing: the newest linker
  tried    bin/linker: is version 2.9.1, and 2.10 is needed
  install  PyPI: pip install linker
verwalter: 3 tools are missing for a plugin in cobol: install them as told above, one line of each will do
";
    assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(7), "", told));
    assert!(!dir.path().join("build/mine.wasm").exists(), "no step was run");
}

#[test]
fn the_first_way_that_works_counts() {
    let dir = project(
        r#"
        needs:
        - what: a compiler
          any:
          - run: [bin/old]
            at-least: "2"
            sets: { cc: [bin/old] }
          - run: [sh, bin/new]
            at-least: "2"
            sets: { cc: [sh, bin/new] }
          - run: [bin/never]
            sets: { cc: [bin/never] }
          install: [x]
        steps: [{ run: ["{cc}", "{out}"] }]
        "#,
    );
    script(dir.path(), "bin/old", "echo 1.9");
    script(dir.path(), "bin/new", "echo 2.0; if [ $# = 1 ]; then cp plugin \"$1\"; fi");
    script(dir.path(), "bin/never", "touch never; exit 1");
    let ended = build(dir.path());
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert_eq!(ended.err, "run: sh bin/new build/mine.wasm\n");
    assert!(!dir.path().join("never").exists());
}

/// Every language of the tree can say what it needs on a machine that has nothing.
#[test]
fn every_language_says_how_to_install_its_tools() {
    for entry in std::fs::read_dir(super::tree().join("sdk")).expect("sdk/ is there") {
        let language = entry.expect("an entry").path();
        if !language.join("recipe.yaml").exists() || !language.join("templates/scheduler").exists() {
            continue;
        }
        let recipe = std::fs::read_to_string(language.join("recipe.yaml")).expect("a recipe");
        let language = language.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(run_in(dir.path(), None, ["plugin", "new", "--lang", &language, "mine"]).status, Some(0), "{language}");
        let before = files(dir.path());
        let ended = run_in(&dir.path().join("mine"), Some(""), ["plugin", "build"]);
        if recipe.lines().any(|line| line == "needs: []") {
            assert_eq!(ended.status, Some(0), "{language}: it needs this program only: {ended:#?}");
            continue;
        }
        assert_eq!(ended.status, Some(7), "{language}: {ended:#?}");
        assert!(ended.err.starts_with("missing: ") && ended.err.contains("\n  install  "), "{language}: {ended:#?}");
        assert_eq!(files(dir.path()), before, "{language}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let check = |recipe: &str, told: &[&str]| {
        let dir = project(recipe);
        let ended = build(dir.path());
        let err = ended.err.replace(&format!("{}/", dir.path().display()), "");
        let lines: Vec<&str> = err.trim_start_matches("verwalter: ").lines().collect();
        assert_eq!((ended.status, lines.as_slice()), (Some(1), told), "{recipe}");
    };
    check(" { steps: [{ rum: [a] }] }", &["project.yaml:4:21: `recipe.steps[0].rum`: unknown key: did you mean `run`?"]);
    check(" { steps: [] }", &["project.yaml:4:11: `recipe.steps`: has no commands: write what makes {out}"]);
    check(
        "\n  steps:\n  - run: [cc, \"{output}\"]\n  - run: []\n",
        &[
            "project.yaml:6:15: `recipe.steps[0].run[1]`: {output} is not defined here: there are {build} {kind} {name} {out} {underscored} {verwalter}, and what every entry of a need `sets`; a shell's own is written $output",
            "project.yaml:7:5: `recipe.steps[1].run`: has no words: write the program and its arguments",
        ],
    );
}

#[test]
fn unknown_languages_are_told() {
    let dir = project(" null");
    let ended = build(dir.path());
    let told = "verwalter: project.yaml: there is no recipe for the language `cobol`: known are `";
    assert!(
        ended.status == Some(1) && ended.err.starts_with(told) && ended.err.ends_with("`, or write one below `recipe:`\n"),
        "{ended:#?}"
    );
}
