//! `verwalter plugin test` and `verwalter plugin bench` as their users meet them: the real program on plugins made of text.
//!
//! There is no plugin here that answers differently each time: the sandbox has no clock, no randomness and nothing else that would let it.

mod bench;
mod cases;
mod checks;
mod project;

use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Site, core_plugin, core_plugin_with, program};

/// A schedule that places nothing, which may be answered in any cluster.
const NOTHING: &str = r#"{"v":1,"schedule":{"roles":{"web":{"n":1}}}}"#;
/// The same with another variable.
const ANOTHER: &str = r#"{"v":1,"schedule":{"roles":{"web":{"n":2}}}}"#;
/// A round that one peer leads.
const INPUT: &str = r#"{"peers": {"alpha": {"id": "00000000000000000000000000000001"}}, "runtime": {"web": {"instances": 3}}}"#;

/// Runs `verwalter plugin ARGS` in the site's directory.
fn plugin(site: &Site, args: &[&str]) -> Ended {
    plugin_in(&site.path(""), args)
}

fn plugin_in(dir: &Path, args: &[&str]) -> Ended {
    let output = program().arg("plugin").args(args).current_dir(dir).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("its output is UTF-8");
    let ended = Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
    ended
}

/// What it prints with `--json`.
fn told(site: &Site, args: &[&str]) -> Value {
    let ended = plugin(site, args);
    serde_json::from_str(&ended.out).unwrap_or_else(|err| panic!("{err}: {ended:#?}"))
}

/// The verdict on a check, as `--json` has it.
fn verdict<'a>(told: &'a Value, check: &str) -> &'a Value {
    let checks = told["checks"].as_array().expect("a list");
    checks.iter().find(|row| row["check"] == check).unwrap_or_else(|| panic!("no check {check}: {told:#}"))
}

/// Expects that a command fails with status 1 and these words.
fn fails(site: &Site, args: &[&str], told: &str) {
    let ended = plugin(site, args);
    assert_eq!(ended.status, Some(1), "{args:?}: {ended:#?}");
    assert!(ended.err.contains(told), "{told}: {ended:#?}");
}

/// Text as data of a module, at an address, and the number that says where an answer lies.
fn answer(at: u32, answer: &str) -> (String, u64) {
    let data: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    (format!("(data (i32.const {at}) \"\\00{data}\")"), (answer.len() as u64 + 1) << 32 | u64::from(at))
}

/// A scheduler that answers [`ANOTHER`] where `condition` (an i32 of `$ptr` and `$len`) says so, else [`NOTHING`].
fn choosing(imports: &str, items: &str, condition: &str) -> Vec<u8> {
    let ((one, first), (two, second)) = (answer(1024, NOTHING), answer(4096, ANOTHER));
    core_plugin_with(
        imports,
        &format!(
            r#"{one} {two} {items} (func (export "vw_schedule") (param $ptr i32) (param $len i32) (result i64)
                (select (i64.const {second}) (i64.const {first}) {condition}))"#
        ),
    )
}

/// A scheduler that turns `loops` times before it answers, and logs a line.
fn slow(loops: u32) -> Vec<u8> {
    let (data, packed) = answer(1024, NOTHING);
    core_plugin_with(
        r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))"#,
        &format!(
            r#"{data} (data (i32.const 512) "hello") (func (export "vw_schedule") (param i32 i32) (result i64) (local $n i32)
                (local.set $n (i32.const {loops}))
                (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (call $log (i32.const 2) (i32.const 512) (i32.const 5))
                (i64.const {packed}))"#
        ),
    )
}

/// A query plugin, or policy, or whatever exports `function`, that always gives this answer.
fn constant(function: &str, text: &str) -> Vec<u8> {
    let (data, packed) = answer(1024, text);
    let other = if function == "vw_query" { "(func (export \"vw_render_roles\") (param i32 i32) (result i64) (unreachable))" } else { "" };
    core_plugin(&format!(r#"{data} {other} (func (export "{function}") (param i32 i32) (result i64) (i64.const {packed}))"#))
}
