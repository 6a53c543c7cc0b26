//! `plugin build`: the toolchain is looked for, the steps run, the result is what a node would take.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{files, run_in, script, write};
use crate::support::{core_plugin, eventually};

/// A project of a made-up language: `steps` are those of its recipe, in YAML's flow form.
fn project(steps: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "project.yaml", format!("name: mine\nkind: policy\nlanguage: cobol\nrecipe:\n  steps: {steps}\n"));
    write(dir.path(), "mine.yaml", "kind: policy\nconfig: { most: 3 }\n");
    write(dir.path(), "src/mine.wasm", policy(""));
    dir
}

/// A policy, with `more` functions beside.
fn policy(more: &str) -> Vec<u8> {
    core_plugin(&format!(r#"(func (export "vw_review") (param i32 i32) (result i64) (i64.const 0)) {more}"#))
}

/// What copies the ready-made plugin.
const COPY: &str = "[{ run: [cp, src/mine.wasm, \"{out}\"] }]";

fn build(dir: &Path, args: &[&str]) -> crate::support::Ended {
    run_in(dir, None, [&["plugin", "build"], args].concat())
}

/// The build must fail with status 1, these words last, and nothing that could be taken for a plugin.
fn fails(dir: &Path, told: &str) -> String {
    let ended = build(dir, &[]);
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{ended:#?}");
    let last = ended.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("verwalter: ") && last.contains(told), "{told}: {ended:#?}");
    ended.err
}

#[test]
fn any_language_can_be_built() {
    let dir = project(COPY);
    let ended = build(dir.path(), &[]);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), "run: cp src/mine.wasm build/mine.wasm\n"), "{ended:#?}");
    let wasm = policy("");
    let digest = verwalter_core::digest::Digest::of(&wasm);
    let told = format!(
        "built    build/mine.wasm\nkind     policy\nabi      core module, ABI 1\nsize     {} bytes\ndigest   {digest}\nimports  none\n",
        wasm.len()
    );
    assert_eq!(ended.out, told);
    assert_eq!(fs::read(dir.path().join("build/mine.wasm")).expect("built"), wasm);
}

#[test]
fn the_project_is_found_from_below() {
    let dir = project(COPY);
    write(dir.path(), "src/deep/file", "");
    assert_eq!(build(&dir.path().join("src/deep"), &[]).status, Some(0));
    let elsewhere = tempfile::tempdir().expect("a directory");
    assert_eq!(build(elsewhere.path(), &["--project", dir.path().to_str().expect("UTF-8")]).status, Some(0));
    let ended = build(elsewhere.path(), &[]);
    assert!(ended.status == Some(1) && ended.err.starts_with("verwalter: there is no project.yaml here or above: go into"), "{ended:#?}");
    let ended = build(elsewhere.path(), &["--project", "."]);
    assert!(
        ended.status == Some(1) && ended.err.ends_with("/project.yaml: does not exist (or is a symbolic link to nothing)\n"),
        "{ended:#?}"
    );
}

#[test]
fn a_failing_step_shows_what_it_printed() {
    let dir = project(
        "[{ run: [cp, src/mine.wasm, \"{out}\"] }, { run: [sh, -c, 'echo to out; echo to err >&2; exit 3'] }, { run: [touch, after] }]",
    );
    assert_eq!(build(dir.path(), &["--verbose"]).out, "to out\n", "verbose: it goes where it was printed");
    let err = fails(dir.path(), "`sh -c 'echo to out; echo to err >&2; exit 3'` failed: exit status: 3");
    assert_eq!(err.lines().skip(1).take(3).collect::<Vec<_>>(), ["run: sh -c 'echo to out; echo to err >&2; exit 3'", "to out", "to err"]);
    assert!(!dir.path().join("after").exists(), "what follows is not run");
    let dir = project("[{ run: [no-such-compiler, x] }]");
    fails(dir.path(), "there is no program `no-such-compiler` in PATH");
}

#[test]
fn a_former_result_is_not_taken_for_a_new_one() {
    let dir = project("[{ run: [\"true\"] }]");
    write(dir.path(), "build/mine.wasm", policy(""));
    fails(dir.path(), "the steps of the recipe succeeded, but left no file build/mine.wasm: the last one must write {out}");
}

#[test]
fn what_a_node_would_refuse_is_refused() {
    let dir = project(COPY);
    let fails_with = |wasm: Vec<u8>, told: &str| {
        write(dir.path(), "src/mine.wasm", wasm);
        fails(dir.path(), told)
    };
    fails_with(b"\0asm".to_vec(), "build/mine.wasm: it cannot be read as WebAssembly: ");
    fails_with(
        core_plugin(r#"(func (export "vw_schedule") (param i32 i32) (result i64) (i64.const 0))"#),
        "build/mine.wasm: project.yaml says `kind: policy`, but what it exports makes it a scheduler",
    );
    let refusing = r#"(data (i32.const 64) "\01config: most is too small")
        (func (export "vw_check_config") (param i32 i32) (result i64) (i64.const 0x1a_0000_0040))"#;
    fails_with(policy(refusing), "check-config: it refuses its configuration: config: most is too small");
    write(dir.path(), "mine.yaml", "kind: policy\nlimits: { fule: 1G }\n");
    fails(dir.path(), "mine.yaml:2:11: `limits.fule`: unknown key: did you mean `fuel`?");
    write(dir.path(), "mine.yaml", "kind: filter\n");
    fails(dir.path(), "mine.yaml: says `kind: filter`, project.yaml says `kind: policy`");
    fs::remove_file(dir.path().join("mine.yaml")).expect("removed");
    fails(dir.path(), "mine.yaml: does not exist");
}

#[test]
fn a_pin_of_another_build_is_mentioned() {
    let dir = project(COPY);
    let other = verwalter_core::digest::Digest::of(b"other");
    write(dir.path(), "mine.yaml", format!("kind: policy\ndigest: {other}\n"));
    let ended = build(dir.path(), &[]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.err.contains(&format!("note: the manifest allows {other} only: put this build's digest there")), "{ended:#?}");
}

#[test]
fn installing_leaves_the_operators_manifest() {
    let dir = project(COPY);
    fs::create_dir(dir.path().join("plugins")).expect("made");
    let ended = build(dir.path(), &["--install", "plugins"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.out.ends_with("new      plugins/mine.yaml\nnew      plugins/mine.wasm\n"), "{ended:#?}");
    assert_eq!(files(&dir.path().join("plugins")), ["mine.wasm", "mine.yaml"]);
    assert_eq!(fs::read(dir.path().join("plugins/mine.wasm")).expect("installed"), policy(""));
    assert_eq!(fs::read(dir.path().join("plugins/mine.yaml")).unwrap(), fs::read(dir.path().join("mine.yaml")).unwrap());
    let theirs = "kind: policy # ours\n";
    write(dir.path(), "plugins/mine.yaml", theirs);
    write(dir.path(), "src/mine.wasm", policy("(func)"));
    let ended = build(dir.path(), &["--install", "plugins"]);
    assert!(ended.status == Some(0) && ended.out.ends_with("kept     plugins/mine.yaml\nnew      plugins/mine.wasm\n"), "{ended:#?}");
    assert_eq!(fs::read_to_string(dir.path().join("plugins/mine.yaml")).unwrap(), theirs);
    assert_eq!(fs::read(dir.path().join("plugins/mine.wasm")).unwrap(), policy("(func)"));
    // Under the operator's own limits a node would refuse the next one.
    write(dir.path(), "plugins/mine.yaml", "kind: policy\nlimits: { module: 1KiB }\n");
    let data = format!("(data (i32.const 64) \"{}\")", "x".repeat(2_000));
    write(dir.path(), "src/mine.wasm", policy(&data));
    let ended = build(dir.path(), &["--install", "plugins"]);
    assert!(ended.status == Some(1) && ended.err.contains("a node would refuse it under plugins/mine.yaml: read: "), "{ended:#?}");
    assert_eq!(fs::read(dir.path().join("plugins/mine.wasm")).unwrap(), policy("(func)"), "what was installed stays");
    let ended = build(dir.path(), &["--install", "plugnis"]);
    assert!(ended.status == Some(1) && ended.err.contains("plugnis is no directory: --install takes `plugins/`"), "{ended:#?}");
}

/// A project that brings text needs nothing but this program.
#[test]
fn text_is_built_without_any_tool() {
    let dir = project("[{ run: [\"{verwalter}\", plugin, assemble, src/a.wat, src/b.wat, -o, \"{out}\"] }]");
    let alloc = "(global $next (mut i32) (i32.const 65536)) (func (export \"vw_alloc\") (param i32) (result i32) (global.get $next))";
    write(dir.path(), "src/a.wat", format!("(memory (export \"memory\") 2)\n(func (export \"vw_abi_1\"))\n{alloc}"));
    write(
        dir.path(),
        "src/b.wat",
        "(func (export \"vw_free\") (param i32 i32))\n(func (export \"vw_review\") (param i32 i32) (result i64) (i64.const 0))",
    );
    let ended = run_in(dir.path(), Some(""), ["plugin", "build"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(dir.path().join("build/mine.wasm").is_file());
}

/// Whoever presses Ctrl-C, or stops the group, stops the compiler too.
#[test]
fn a_signal_to_the_group_ends_the_compiler() {
    let dir = project("[{ run: [sh, -c, 'echo $$ > pid; mv pid running; sleep 600; touch after'] }]");
    // Whoever runs the tests in the background may have the signal ignored, and children inherit that.
    let mut build = Command::new("env");
    build.args(["--default-signal=INT", env!("CARGO_BIN_EXE_verwalter"), "plugin", "build"]).current_dir(dir.path());
    let mut build = build.process_group(0).stderr(Stdio::null()).spawn().expect("it starts");
    let step = eventually("the step runs", || fs::read_to_string(dir.path().join("running")).ok());
    kill_process_group(Pid::from_child(&build), Signal::INT).expect("sent");
    assert!(!build.wait().expect("it ends").success());
    let stat = format!("/proc/{}/stat", step.trim());
    // Gone, or waiting for somebody to take note of its end.
    eventually("the step ends", || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")).then_some(()));
    assert!(!dir.path().join("after").exists());
}

#[test]
fn steps_see_their_variables() {
    let dir = project(
        "[{ run: [bin/tool, \"{name}\", \"{underscored}\", \"{kind}\", \"{build}\", \"{out}\"], env: { GREETING: \"for {name}\" } }]",
    );
    script(
        dir.path(),
        "bin/tool",
        "echo \"$@, $GREETING, in $(basename \"$PWD\" | wc -l)\" > build/told; cp src/mine.wasm build/mine.wasm",
    );
    assert_eq!(build(dir.path(), &[]).status, Some(0));
    let told = fs::read_to_string(dir.path().join("build/told")).expect("the tool ran");
    assert_eq!(told, "mine mine policy build build/mine.wasm, for mine, in 1\n");
}
