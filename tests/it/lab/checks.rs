//! What every plugin should hold, by plugins that do not.

use serde_json::json;

use super::{INPUT, choosing, plugin, told, verdict};
use crate::sandbox::guest::{FILTER_CORE, translate};
use crate::support::{Site, answering_plugin, core_plugin};

#[test]
fn a_plugin_that_places_unknown_nodes_is_not_sound() {
    let site = Site::fresh();
    site.write("mine.wasm", answering_plugin(0, r#"{"v":1,"schedule":{"roles":{"web":{"place":{"ghost":1}}}}}"#));
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    let sound = ended.out.lines().skip_while(|line| !line.starts_with("check sound: FAILED on made-up cluster of 1 peer, and on 4 more"));
    assert!(sound.clone().nth(1).is_some_and(|line| line.contains("schedule.roles.web.place.ghost")), "{ended:#?}");
}

#[test]
fn a_plugin_that_moves_what_it_just_placed_is_not_stable() {
    let imports = r#"(import "verwalter" "column" (func $column (param i32 i32 i32 i32) (result i32)))"#;
    let asks = "(i32.ge_s (call $column (i32.const 512) (i32.const 10) (i32.const 8192) (i32.const 0)) (i32.const 0))";
    let site = Site::fresh();
    site.write("mine.wasm", choosing(imports, "(data (i32.const 512) \"placed.web\")", asks));
    let told = told(&site, &["test", "mine.wasm", "--json"]);
    let stable = verdict(&told, "stable");
    assert_eq!((&stable["verdict"], &stable["input"]), (&json!("broken"), &json!("made-up cluster of 1 peer")), "{told:#}");
    assert_eq!(stable["wrong"], json!(["roles.web.n: decided 1, then 2"]), "{told:#}");
    assert_eq!((&told["passed"], &verdict(&told, "repeatable")["verdict"]), (&json!(false), &json!("holds")), "{told:#}");
}

#[test]
fn a_plugin_that_takes_the_first_member_for_the_version_depends_on_their_order() {
    let site = Site::fresh();
    // The third byte of the document: `{"v":1,…` as the host writes it.
    let first = "(i32.ne (i32.load8_u offset=2 (local.get $ptr)) (i32.const 118))";
    site.write("mine.wasm", choosing("", "", first));
    site.write("cases/one/input.json", INPUT);
    let told = told(&site, &["test", "mine.wasm", "--json"]);
    let order = verdict(&told, "peer-order");
    assert_eq!((&order["verdict"], &order["input"], &order["more"]), (&json!("broken"), &json!("case one"), &json!(5)), "{told:#}");
    assert_eq!(order["wrong"], json!(["schedule.roles.web.n: first 1, then 2"]), "{told:#}");
}

#[test]
fn a_plugin_that_meets_its_limits_costs_too_much() {
    let site = Site::fresh();
    site.write("mine.wasm", core_plugin(r#"(func (export "vw_schedule") (param i32 i32) (result i64) (loop $l (br $l)) (i64.const 0))"#));
    site.write("mine.yaml", "kind: scheduler\nlimits: { fuel: 1M }\n");
    let told = told(&site, &["test", "mine.wasm", "--json"]);
    let cost = verdict(&told, "cost");
    assert!(cost["wrong"][0].as_str().is_some_and(|line| line.starts_with("fuel: ") && line.contains("fuel: 2M")), "{told:#}");
    assert_eq!(verdict(&told, "sound")["verdict"], "holds", "a limit is not the contract: {told:#}");
    assert_eq!(verdict(&told, "stable")["inputs"], 0, "nothing was decided: {told:#}");
}

#[test]
fn a_filter_that_remembers_is_not_independent() {
    let site = Site::fresh();
    site.write("mine.wasm", translate(FILTER_CORE));
    for (case, args) in [("a", "[1]"), ("b", "[2]")] {
        site.write(&format!("cases/{case}/input.json"), format!(r#"{{"name": "count", "args": {args}}}"#));
        site.write(&format!("cases/{case}/expected.json"), r#"{"value": 1}"#);
    }
    let told = told(&site, &["test", "mine.wasm", "--json"]);
    assert!(told["cases"].as_array().is_some_and(|cases| cases.iter().all(|case| case["passed"] == true)), "{told:#}");
    let independent = verdict(&told, "independent");
    assert_eq!(independent["wrong"], json!(["answer: first 1, then 2"]), "{told:#}");
    assert_eq!(verdict(&told, "repeatable")["verdict"], "holds", "{told:#}");
}

#[test]
fn a_plugin_that_holds_all_says_what_it_costs() {
    let site = Site::fresh();
    site.write("mine.wasm", super::slow(1000));
    let ended = plugin(&site, &["test", "mine.wasm"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    for check in ["repeatable", "peer-order", "sound", "stable"] {
        assert!(ended.out.contains(&format!("check {check}: ok on 5 inputs\n")), "{check}: {ended:#?}");
    }
    assert!(ended.out.contains("check cost: ok on 5 inputs; at most 0.0 % of the fuel (5G allowed), in made-up cluster of "), "{ended:#?}");
}
