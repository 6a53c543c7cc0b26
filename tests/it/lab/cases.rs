//! Golden cases: what passes, what fails and how that is told, and what `--update` writes.

use serde_json::{Value, json};

use super::{ANOTHER, INPUT, NOTHING, choosing, constant, fails, plugin, slow, told};
use crate::sandbox::guest::{FILTER_CORE, translate};
use crate::support::{Site, answering_plugin};

/// A scheduler with one case, called `one`.
fn site(expected: &str) -> Site {
    let site = Site::fresh();
    site.write("mine.wasm", slow(1));
    site.write("cases/one/input.json", INPUT);
    if !expected.is_empty() {
        site.write("cases/one/expected.json", expected);
    }
    site
}

fn json_of(site: &Site, file: &str) -> Value {
    serde_json::from_str(&site.read(file).expect("it is there")).expect("it is JSON")
}

#[test]
fn either_notation_will_do() {
    let long = r#"{"v": 1, "schedule": {"nodes": {}, "roles": {"web": {"n": 1.0}}}}"#;
    for expected in [NOTHING, long] {
        let ended = plugin(&site(expected), &["test", "mine.wasm"]);
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        assert!(ended.out.contains("case one: ok\n") && ended.out.ends_with("1 case passed, 5 checks passed\n"), "{ended:#?}");
    }
}

#[test]
fn a_difference_is_told_by_its_path_and_update_writes_what_is_answered() {
    let site = site(ANOTHER);
    site.write("cases/one/log.txt", "warn other\n");
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    let lines = "case one: FAILED\n    schedule.roles.web.n: expected 2, got 1\n    log, line 1: expected `warn other`, got `info hello`\n";
    assert!(ended.out.contains(lines) && ended.out.contains("`--update` rewrites"), "{}", ended.out);

    let ended = plugin(&site, &["test", "mine.wasm", "--update"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.out.contains("case one: updated\n    written: ") && ended.out.contains("1 of them updated"), "{}", ended.out);
    assert_eq!(json_of(&site, "cases/one/expected.json"), serde_json::from_str::<Value>(NOTHING).expect("JSON"));
    assert_eq!(site.read("cases/one/log.txt").as_deref(), Some("info hello\n"));
    let ended = plugin(&site, &["test", "mine.wasm", "--update"]);
    assert!(ended.out.contains("case one: ok") && !ended.out.contains("written"), "a case that passes is left alone: {ended:#?}");
}

#[test]
fn a_case_without_an_answer_is_told_and_made() {
    let site = site("");
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert!(ended.out.contains("has no expected.json: if the answer is right, write it down with --update"), "{ended:#?}");
    assert_eq!(plugin(&site, &["test", "mine.wasm", "--update"]).status, Some(0));
    assert_eq!(plugin(&site, &["test", "mine.wasm"]).status, Some(0));
    assert_eq!(site.read("cases/one/log.txt"), None, "nobody asked for the log");
}

#[test]
fn errors_and_failures_are_expected_by_their_words() {
    let site = Site::fresh();
    site.write("mine.wasm", answering_plugin(1, "config: no such key"));
    site.write("cases/error/input.json", INPUT);
    site.write("cases/error/expected.json", r#"{"error": "config: no such key"}"#);
    site.write("cases/fuel/input.json", INPUT);
    site.write("cases/fuel/manifest.yaml", "kind: scheduler\nlimits: { input: 1KiB }\nconfig: { text: \"xx\" }\n");
    site.write("cases/fuel/expected.json", r#"{"failure": "input"}"#);
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert!(ended.out.contains("case error: ok"), "{ended:#?}");
    assert!(ended.out.contains("case fuel: FAILED\n    expected a failure (input), got the error `config: no such key`"), "{ended:#?}");

    let long = "x".repeat(1024);
    site.write("cases/fuel/manifest.yaml", format!("kind: scheduler\nlimits: {{ input: 1KiB }}\nconfig: {{ text: {long} }}\n"));
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert!(ended.out.contains("case fuel: ok"), "{ended:#?}");
}

#[test]
fn update_does_not_make_a_failure_what_is_expected() {
    let site = site(NOTHING);
    site.write("mine.wasm", answering_plugin(0, r#"{"v":1,"schedule":{"roles":{"web":{"place":{"ghost":1}}}}}"#));
    let ended = plugin(&site, &["test", "mine.wasm", "--update"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert!(ended.out.contains("is left as it was: the call failed (refused)") && ended.out.contains("ghost"), "{ended:#?}");
    assert_eq!(site.read("cases/one/expected.json").as_deref(), Some(NOTHING));
}

#[test]
fn a_broken_case_names_its_file_and_hides_no_other() {
    let site = site(NOTHING);
    let check = |name: &str, files: &[(&str, &str)], told: &str| {
        for (file, text) in files {
            site.write(&format!("cases/{name}/{file}"), text);
        }
        let ended = plugin(&site, &["test", "mine.wasm"]);
        assert_eq!(ended.status, Some(1), "{ended:#?}");
        assert!(ended.out.contains(&format!("case {name}: FAILED\n")) && ended.out.contains(told), "{told}: {}", ended.out);
        assert!(ended.out.contains("case one: ok\n"), "{}", ended.out);
        std::fs::remove_dir_all(site.path(&format!("cases/{name}"))).expect("it was made");
    };
    check("empty", &[("notes.txt", "")], "cases/empty: has neither `input.json`, a scheduler's input document, nor `config.json`");
    check("both", &[("input.json", INPUT), ("config.json", "{}")], "cases/both: has `input.json` and `config.json`");
    check("typo", &[("input.json", r#"{"runtme": {}}"#)], "typo/input.json: `runtme`: unknown field");
    check("json", &[("input.json", INPUT), ("expected.json", "{\"v\": 1,")], "json/expected.json: EOF while parsing");
    check("form", &[("input.json", INPUT), ("expected.json", "{\"v\": 1}")], "form/expected.json: the answer was refused");
    check(
        "cause",
        &[("input.json", INPUT), ("expected.json", r#"{"failure": "fuell"}"#)],
        "cause/expected.json: `failure`: there is no cause `fuell`: did you mean `fuel`?",
    );
    let deep = format!("{{\"runtime\": {}", "[".repeat(200_000));
    check("deep", &[("input.json", &deep)], "the most that is taken here");
    check("none", &[("input.json", INPUT), ("expected.json", "[]")], "none/expected.json: must be an object");
    check(
        "kind",
        &[("input.json", INPUT), ("manifest.yaml", "kind: policy\n")],
        "kind/manifest.yaml:1:1: `kind`: the manifest that this one is laid over is a scheduler's",
    );
    check("peers", &[("input.json", r#"{"peers": {"a": {}}}"#)], "peers/input.json: `peers.a");
}

#[test]
fn nothing_to_ask_is_told() {
    let site = Site::fresh();
    site.write("mine.wasm", slow(1));
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.status, Some(0), "the checks alone: {ended:#?}");
    assert!(ended.out.contains("there are no cases: name a directory of them with --cases DIR, 5 checks passed"), "{ended:#?}");
    std::fs::create_dir(site.path("cases")).expect("made");
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert!(ended.out.contains("there are no cases in "), "{ended:#?}");
    fails(&site, &["test", "mine.wasm", "--cases", "elsewhere"], "elsewhere: does not exist");
}

#[test]
fn policies_filters_and_queries_have_cases_too() {
    let site = Site::fresh();
    site.write("policy/mine.wasm", constant("vw_review", r#"{"v":1,"verdict":"deny","reasons":["no"],"warnings":[]}"#));
    let review = r#"{"current_host": "alpha", "schedule": {"roles": {"web": {"place": {"alpha": 1}}}}, "previous": null}"#;
    site.write("policy/cases/one/input.json", review);
    site.write("policy/cases/one/expected.json", r#"{"v": 1, "verdict": "deny", "reasons": ["no"]}"#);
    site.write("query/mine.wasm", constant("vw_query", r#"{"a": [1.0]}"#));
    site.write("query/cases/one/input.json", r#"{"path": "x", "schedule": {"roles": {"web": {}}}}"#);
    site.write("query/cases/one/expected.json", r#"{"value": {"a": [1]}}"#);
    site.write("filter/mine.wasm", translate(FILTER_CORE));
    site.write("filter/cases/unknown/input.json", r#"{"name": "nothing", "args": []}"#);
    site.write("filter/cases/unknown/expected.json", r#"{"value": 1}"#);
    site.write("filter/cases/count/input.json", r#"{"name": "count", "args": [7]}"#);
    for (kind, case) in [("policy", "one"), ("query", "one")] {
        let told = told(&site, &["test", &format!("{kind}/mine.wasm"), "--json"]);
        assert_eq!((&told["kind"], &told["passed"]), (&json!(kind), &json!(true)), "{told:#}");
        assert_eq!((&told["cases"][0]["case"], told["cases"][0]["fuel"].is_u64()), (&json!(case), true), "{told:#}");
    }
    let ended = plugin(&site, &["test", "filter/mine.wasm", "--update"]);
    assert!(ended.out.contains("case count: updated") && ended.out.contains("there is no filter `nothing`: it offers "), "{ended:#?}");
    assert_eq!(json_of(&site, "filter/cases/count/expected.json"), json!({ "value": 1 }));
}

#[test]
fn what_stands_in_the_view_is_made_of_the_cases_own_input() {
    // It answers otherwise where the column `placed.web` has a value, so where there is exactly one parent.
    let imports = r#"(import "verwalter" "column" (func $column (param i32 i32 i32 i32) (result i32)))"#;
    let asks = "(i32.ge_s (call $column (i32.const 512) (i32.const 10) (i32.const 8192) (i32.const 8)) (i32.const 0))";
    let site = Site::fresh();
    site.write("mine.wasm", choosing(imports, "(data (i32.const 512) \"placed.web\")", asks));
    let parent = r#"{"nodes": {"gone": {"roles": {"web": {"instances": 2}}}}, "roles": {"web": {}}}"#;
    let with = |parents: &str| format!(r#"{{"current_host": "alpha", "parents": [{parents}]}}"#);
    for (name, parents, expected) in [("none", "", NOTHING), ("one", parent, ANOTHER), ("two", &format!("{parent},{parent}"), NOTHING)] {
        site.write(&format!("cases/{name}/input.json"), with(parents));
        site.write(&format!("cases/{name}/expected.json"), expected);
    }
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.out.matches(": ok\n").count(), 3, "{ended:#?}");
}
