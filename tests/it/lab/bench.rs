//! What calls cost, as tables and as JSON, and beside what they cost before.

use serde_json::{Value, json};

use super::{INPUT, constant, fails, plugin, slow, told};
use crate::support::{Site, core_plugin};

const QUICK: [&str; 4] = ["--peers", "3,20", "--time", "5ms"];

fn bench<'a>(args: &[&'a str]) -> Vec<&'a str> {
    ["bench"].iter().chain(args).chain(&QUICK).copied().collect()
}

/// The fuel of each row.
fn fuel(told: &Value) -> Vec<u64> {
    let rows = told["plugins"][0]["rows"].as_array().expect("a list");
    rows.iter().map(|row| row["fuel"].as_u64().expect("a number")).collect()
}

#[test]
fn first_and_next_decisions_of_each_size() {
    let site = Site::fresh();
    site.write("mine.wasm", slow(10));
    let told = told(&site, &bench(&["mine.wasm", "--json"]));
    let measured = &told["plugins"][0];
    assert_eq!(
        (&measured["label"], &measured["kind"], &measured["abi"]),
        (&json!("mine"), &json!("scheduler"), &json!("core module, ABI 1"))
    );
    let rows = measured["rows"].as_array().expect("a list");
    let told: Vec<_> = rows.iter().map(|row| (row["what"].as_str().expect("a text"), row["peers"].as_u64().expect("a number"))).collect();
    assert_eq!(told, [("first", 3), ("next", 3), ("first", 20), ("next", 20)]);
    for row in rows {
        let figure = |key: &str| row[key].as_u64().expect("a number");
        assert!(figure("calls") >= 5 && figure("min_us") <= figure("median_us") && figure("median_us") <= figure("p99_us"), "{row}");
        assert!(figure("fuel") > 0 && figure("peak_memory_bytes") == 32 << 16 && figure("output_bytes") > 0, "{row}");
    }
}

#[test]
fn more_fuel_than_before_is_told_exactly() {
    let site = Site::fresh();
    site.write("mine.wasm", slow(1_000));
    let first = told(&site, &bench(&["mine.wasm", "--json", "--save", "before.json"]));
    let ended = plugin(&site, &bench(&["mine.wasm", "--baseline", "before.json"]));
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert_eq!(ended.out.matches(": the same\n").count(), 4, "{ended:#?}");

    site.write("mine.wasm", slow(1_001));
    let ended = plugin(&site, &bench(&["mine.wasm", "--baseline", "before.json"]));
    assert_eq!(ended.status, Some(1), "a single turn more: {ended:#?}");
    assert_eq!(ended.out.matches(": GREW by 0.").count(), 4, "{ended:#?}");
    let second = told(&site, &bench(&["mine.wasm", "--baseline", "before.json", "--json"]));
    assert_eq!(
        (second["compared"][0]["before"].as_u64(), second["compared"][0]["after"].as_u64()),
        (Some(fuel(&first)[0]), Some(fuel(&second)[0]))
    );

    site.write("mine.wasm", slow(10));
    let ended = plugin(&site, &bench(&["mine.wasm", "--baseline", "before.json"]));
    assert_eq!((ended.status, ended.out.matches(" % less\n").count()), (Some(0), 4), "{ended:#?}");
    let ended = plugin(&site, &bench(&["mine.wasm", "--label", "other", "--baseline", "before.json"]));
    assert!(ended.err.contains("the baseline has none of these figures"), "{ended:#?}");
    site.write("junk.json", "{}");
    fails(&site, &bench(&["mine.wasm", "--baseline", "junk.json"]), "junk.json: holds no figures that `--save` wrote");
}

#[test]
fn markdown_has_a_row_a_plugin() {
    let site = Site::fresh();
    site.write("a/mine.wasm", slow(10));
    site.write("b/mine.wasm", slow(20));
    site.write("policy.wasm", constant("vw_review", r#"{"v":1,"verdict":"allow"}"#));
    let files = ["a/mine.wasm", "b/mine.wasm", "policy.wasm", "--label", "c", "--label", "zig|ag", "--markdown"];
    let ended = plugin(&site, &bench(&files));
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 8, "{ended:#?}");
    assert!(
        lines[0].starts_with("| scheduler | ABI | size | compiled in | decision, 3 peers | decision, 20 peers | fuel, 20 peers |"),
        "{lines:#?}"
    );
    assert_eq!(lines[1].matches('|').count(), lines[0].matches('|').count(), "{lines:#?}");
    assert!(lines[2].starts_with("| c | core module, ABI 1 | ") && lines[3].starts_with("| zig\\|ag | "), "{lines:#?}");
    assert!(lines[5].starts_with("| policy |") && lines[7].starts_with("| policy | core module, ABI 1 |"), "{lines:#?}");
    fails(&site, &bench(&["a/mine.wasm", "b/mine.wasm", "--manifest", "x.yaml"]), "--manifest is for one plugin");
    fails(&site, &bench(&["a/mine.wasm", "--label", "a", "--label", "b"]), "there are 2 labels for 1 plugins");
}

#[test]
fn queries_are_asked_what_their_cases_ask() {
    let site = Site::fresh();
    site.write("mine.wasm", constant("vw_query", "7"));
    site.write("cases/one/input.json", r#"{"path": "x", "schedule": {"roles": {"web": {}}}}"#);
    let told = told(&site, &bench(&["mine.wasm", "--json"]));
    let rows = told["plugins"][0]["rows"].as_array().expect("a list");
    let whats: Vec<_> = rows.iter().map(|row| (row["what"].clone(), row["peers"].clone())).collect();
    assert_eq!(whats, [(json!("case one"), json!(3)), (json!("case one"), json!(20)), (json!("case one"), json!(null))]);
}

#[test]
fn what_fails_has_no_figures() {
    let site = Site::fresh();
    site.write("mine.wasm", core_plugin(r#"(func (export "vw_schedule") (param i32 i32) (result i64) (unreachable))"#));
    site.write("cases/one/input.json", INPUT);
    let ended = plugin(&site, &bench(&["mine.wasm"]));
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert_eq!(ended.out.matches("FAILED: ").count(), 2, "{ended:#?}");
}
