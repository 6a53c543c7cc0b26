//! Filters: one instance a plugin and session, given up after its first failure, with the fuel of one render.

use serde_json::{Value, json};
use verwalter::plugin::Session;

use super::guest::{FILTER_COMPONENT, FILTER_CORE, translate};
use super::world::Sandbox;

const FILTER: &str = "kind: filter\n";

/// A session with the filters of `wat`.
fn open(wat: &str, manifest: &str) -> Session {
    std::sync::Arc::new(Sandbox::new().load(&translate(wat), manifest).unwrap()).session()
}

fn check(session: &mut Session, name: &str, args: &Value, expect: &str) {
    let outcome = match session.apply(name, args) {
        Ok(value) => value.to_string(),
        Err(failure) => format!("{}: {}", failure.cause, failure.message),
    };
    assert!(outcome.starts_with(expect), "{name}: expected: {expect}\n   found: {outcome}");
}

#[test]
fn both_abis_list_and_apply() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.load(&translate(FILTER_CORE), FILTER).unwrap().filters(), ["count", "echo", "boom", "refuse", "junk"]);
    assert_eq!(sandbox.load(&translate(FILTER_COMPONENT), FILTER).unwrap().filters(), ["c_count", "c_echo", "c_boom", "c_refuse"]);
    let args = json!(["ä\"\\\u{1}", 1.5, null, {"named": [true]}]);
    check(&mut open(FILTER_CORE, FILTER), "echo", &args, &args.to_string());
    check(&mut open(FILTER_COMPONENT, FILTER), "c_echo", &args, &args.to_string());
}

#[test]
fn a_session_keeps_its_instance() {
    for (wat, count, refuse) in [(FILTER_CORE, "count", "refuse"), (FILTER_COMPONENT, "c_count", "c_refuse")] {
        let mut session = open(wat, FILTER);
        check(&mut session, count, &json!([1]), "1");
        check(&mut session, count, &json!([2]), "2");
        // A refusal is an answer, not a failure of the instance.
        check(&mut session, refuse, &json!([]), "answered: not today");
        check(&mut session, count, &json!([3]), "3");
        // The same question has the same answer, and is not asked again.
        check(&mut session, count, &json!([1]), "1");
        check(&mut session, count, &json!([4]), "4");
        check(&mut open(wat, FILTER), count, &json!([]), "1");
    }
}

#[test]
fn a_session_remembers_so_much() {
    let mut session = open(FILTER_CORE, FILTER);
    let first = json!(["a"]);
    check(&mut session, "count", &first, "1");
    check(&mut session, "count", &first, "1");
    // The same arguments of another filter are another question.
    check(&mut session, "echo", &first, r#"["a"]"#);
    let long = |n: u8| json!([n, "x".repeat(10_000)]);
    for n in 0..60 {
        check(&mut session, "echo", &long(n), &format!("[{n},\"xx"));
    }
    // The room is used up: what is new is asked again, and what was remembered stays so.
    check(&mut session, "count", &long(0), "2");
    check(&mut session, "count", &long(0), "3");
    check(&mut session, "count", &first, "1");
}

#[test]
fn a_session_is_given_up_after_a_failure() {
    for (wat, boom, count) in [(FILTER_CORE, "boom", "count"), (FILTER_COMPONENT, "c_boom", "c_count")] {
        let mut session = open(wat, FILTER);
        let failed = "trap: trapped: wasm trap: wasm `unreachable` instruction executed";
        check(&mut session, count, &json!([]), "1");
        check(&mut session, boom, &json!([]), failed);
        check(&mut session, count, &json!([]), failed);
        check(&mut open(wat, FILTER), count, &json!([]), "1");
    }
}

#[test]
fn what_filters_answer_is_checked() {
    let mut session = open(FILTER_CORE, FILTER);
    check(&mut session, "junk", &json!([]), "refused: filter `junk` answered no JSON: ");
    check(&mut session, "echo", &json!([[[[[[1]]]]]]), "[[[[[[1]]]]]]");
    let mut session = open(FILTER_CORE, "kind: filter\nlimits: { json-depth: 4 }\n");
    check(&mut session, "echo", &json!([[[[[[1]]]]]]), "refused: filter `echo` answered no JSON: `0.0.0`: nested deeper than 4 levels");
}

#[test]
fn filters_have_limits() {
    let long = json!(["x".repeat(2000)]);
    let mut session = open(FILTER_CORE, "kind: filter\nlimits: { input: 1KiB }\n");
    check(
        &mut session,
        "echo",
        &long,
        "input: its input has 2004 bytes, more than its limit of 1KiB; raise it with `limits: { input: 2KiB }`",
    );
    check(&mut session, "count", &json!([]), "1");
    let mut session = open(FILTER_CORE, "kind: filter\nlimits: { output: 1KiB }\n");
    check(&mut session, "echo", &long, "output: its answer has 2005 bytes, more than its limit of 1KiB");
    let mut session = open(FILTER_COMPONENT, "kind: filter\nlimits: { output: 1KiB }\n");
    check(
        &mut session,
        "c_echo",
        &long,
        "output: handed over more than its output limit of 1KiB; raise it with `limits: { output: 2KiB }`",
    );
}

#[test]
fn fuel_is_that_of_the_whole_session() {
    // Each call burns a tenth of the fuel and some.
    let burning = FILTER_CORE.replace(
        "(global.set $calls",
        "(local.set $letter (i32.const 0))
         (loop (br_if 0 (i32.lt_u (local.tee $letter (i32.add (local.get $letter) (i32.const 1))) (i32.const 20000))))
         (global.set $calls",
    );
    let mut session = open(&burning, "kind: filter\nlimits: { fuel: 1M }\n");
    let outcomes: Vec<bool> = (0..20).map(|n| session.apply("count", &json!([n])).is_ok()).collect();
    let good = outcomes.iter().take_while(|good| **good).count();
    assert!((1..20).contains(&good), "{outcomes:?}");
    assert!(outcomes[good..].iter().all(|good| !good), "{outcomes:?}");
    check(&mut session, "echo", &json!([]), "fuel: used up its fuel of 1M; raise it with `limits: { fuel: 2M }`");
}

#[test]
fn lists_of_filters_are_checked() {
    let sandbox = Sandbox::new();
    let check = |from: &str, to: &str, expect: &str| {
        let wat = FILTER_CORE.replace(from, to);
        let outcome = sandbox.load(&translate(&wat), FILTER).err().unwrap_or_default();
        assert!(outcome.starts_with(expect), "{outcome}");
    };
    check("\\00[\\22count", "\\00{\\22count", "describe: its list of filters is no list of names: ");
    check("\\00[\\22count", "\\00[\\22c-unt", "describe: the filter name `c-unt` is refused: write [A-Za-z][A-Za-z0-9_]*");
    check("\\00[\\22count", "\\01[\\22count", "describe: [");
    check("(call $answer (i32.const 16) (i32.const 40))", "unreachable", "describe: trapped: wasm trap: wasm `unreachable`");
    check("(i32.const 16) (i32.const 40)", "(i32.const -1) (i32.const 40)", "describe: it passed a pointer or length outside its memory");
}

#[test]
fn numbers_and_lengths_of_names_are_limited() {
    let sandbox = Sandbox::new();
    let check = |limits: &str, expect: &str| {
        let manifest = format!("kind: filter\nlimits: {{ {limits} }}\n");
        let outcome = sandbox.load(&translate(FILTER_COMPONENT), &manifest).map_or_else(|stopped| stopped, |_| "taken".to_owned());
        assert_eq!(outcome, expect, "{limits}");
    };
    check("filters: 4, name-length: 8B", "taken");
    check(
        "filters: 3",
        "describe: it offers 4 filters, more than its limit of 3; raise it with `limits: { filters: 6 }` in the plugin's manifest",
    );
    let long =
        FILTER_COMPONENT.replace("c_countc_echo", "c_countx_echo").replace("(i32.const 16) (i32.const 7)", "(i32.const 16) (i32.const 13)");
    let outcome = sandbox.load(&translate(&long), "kind: filter\nlimits: { name-length: 10B }\n").err().unwrap();
    let expect = "describe: the name `c_countx_echo…` of a filter has 13 bytes, more than its limit of 10B; \
        raise it with `limits: { name-length: 20B }` in the plugin's manifest";
    assert_eq!(outcome, expect);
}
