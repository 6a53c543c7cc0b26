//! Made-up clusters through the real program: what `simulate` prints is what the commands for authors read.

use std::path::{Path, PathBuf};

use serde_json::Value;
use verwalter_core::digest::Digest;

use crate::support::{Ended, run_to_end};

fn tree(below: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below).display().to_string()
}

fn simulate(args: &[&str]) -> Ended {
    run_to_end([&["simulate", "snapshot"], args].concat())
}

/// Of a run that goes well and says nothing.
fn printed(args: &[&str]) -> String {
    let ended = simulate(args);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{args:?}");
    ended.out
}

fn written(dir: &Path, name: &str, content: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("made");
    std::fs::write(&path, content).expect("written");
    path
}

#[test]
fn the_same_seed_is_the_same_bytes_everywhere() {
    let text = printed(&["--peers", "100", "--metrics", "20", "--seed", "7"]);
    assert_eq!(Digest::of(text.as_bytes()).to_string(), "sha256:0d3905716b95be8ad55c54753532eb1fd8891309e897db8a67d5402e4f3a28a8");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(document["peers"].as_object().map(serde_json::Map::len), Some(100));
    let metrics = document["metrics"].as_object().expect("an object");
    assert!(metrics.len() == 20 && metrics.values().all(|values| values.as_array().is_some_and(|values| values.len() == 100)));
    assert!(document["peers"].get(document["current_host"].as_str().expect("a hostname")).is_some());
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("input.json");
    let out = file.to_str().expect("UTF-8");
    assert_eq!(printed(&["--peers", "100", "--metrics", "20", "--seed", "7", "--after", "1m", "--out", out]), "");
    assert!(std::fs::read_to_string(&file).expect("it was written") == text);
    assert_ne!(printed(&["--peers", "100", "--metrics", "20", "--seed", "8"]), text);
    assert_ne!(printed(&["--peers", "100", "--metrics", "20", "--seed", "7", "--after", "62s"]), text);
}

#[test]
fn a_plugin_decides_on_a_made_up_cluster() {
    let plugin = tree("plugins/prebuilt/spread.wasm");
    let (manifest, etc) = (tree("demo/plugins/spread.yaml"), tree("demo"));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let case = dir.path().join("cases/simulated");
    std::fs::create_dir_all(&case).expect("made");
    let input = case.join("input.json");
    let (input, cases) = (input.to_str().expect("UTF-8"), dir.path().join("cases"));
    let cases = cases.to_str().expect("UTF-8");
    printed(&["--peers", "200", "--seed", "3", "--manifest", &manifest, "--config-dir", &etc, "--out", input]);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(input).expect("it is there")).expect("it is JSON");
    let columns: Vec<&String> = document["metrics"].as_object().expect("an object").keys().collect();
    assert_eq!(columns, ["cpu", "load", "memory_free", "memory_total", "net_rx"]);

    let decided = run_to_end(["schedule", "--plugin", &plugin, "--manifest", &manifest, "--input", input, "--json"]);
    assert_eq!(decided.status, Some(0), "{decided:#?}");
    let decided: Value = serde_json::from_str(&decided.out).expect("it is JSON");
    let why = decided["why"]["web"].as_object().expect("reasons for the role of the tree");
    assert_eq!(why.len(), 3);
    assert!(why.values().all(|why| why.as_str().is_some_and(|why| why.contains("CPU free"))), "placed by figures: {why:?}");

    let test = |more: &[&str]| run_to_end([&["plugin", "test", &plugin, "--manifest", &manifest, "--cases", cases], more].concat());
    let ended = test(&["--update"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    let ended = test(&[]);
    assert!(ended.status == Some(0) && ended.out.contains("simulated"), "{ended:#?}");
    let bench = ["plugin", "bench", &plugin, "--manifest", &manifest, "--cases", cases, "--peers", "10", "--time", "1ms", "--json"];
    let ended = run_to_end(bench);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}

#[test]
fn without_a_manifest_and_metadata_a_plugin_reads_it_too() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let input = written(dir.path(), "input.json", &printed(&["--peers", "5", "--metrics", "0"]));
    let plugin = tree("plugins/prebuilt/spread-core.wasm");
    let decided = run_to_end(["schedule", "--plugin", &plugin, "--input", input.to_str().expect("UTF-8")]);
    assert_eq!((decided.status, decided.out.as_str()), (Some(0), "{\"nodes\":{},\"roles\":{}}\n"), "{decided:#?}");
}

#[test]
fn what_cannot_be_made_up_is_told() {
    let check = |args: &[&str], status: i32, told: &str| {
        let ended = simulate(args);
        assert_eq!(ended.status, Some(status), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told) && ended.out.is_empty(), "{told}: {ended:#?}");
    };
    check(&["--peers", "0"], 2, "0 is not in 1..=100000");
    check(&["--peers", "100001"], 2, "100001 is not in 1..=100000");
    check(&["--metrics", "1001"], 2, "1001 is not in 0..=1000");
    check(&["--after", "10"], 2, "write a whole number and a unit");
    check(&["--after", "25h"], 1, "--after 25h is longer than 24h");
    check(&["--peers", "100000", "--metrics", "1000"], 1, "these are 100000000 numbers in one document, at most 20000000 are possible");
    check(&["--peers", "20000", "--metrics", "1000", "--after", "1h"], 1, "samples to make up, at most 10000000000 are possible");
    check(&["--manifest", &tree("demo/plugins/netfilters.yaml")], 1, "only a scheduler decides");
    let dir = tempfile::tempdir().expect("a temporary directory");
    written(dir.path(), "runtime/web.yaml", "instances: [");
    check(&["--config-dir", dir.path().to_str().expect("UTF-8")], 1, "runtime/web.yaml:");
    check(&["--config-dir", &tree("no-such-tree")], 1, "no-such-tree");
    check(&["--peers", "1", "--out", &tree("no-such-tree/input.json")], 1, "no-such-tree/input.json cannot be written");
}

#[test]
fn a_column_that_no_machine_has_is_named_with_what_was_meant() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let manifest = written(dir.path(), "mine.yaml", "kind: scheduler\nmetrics:\n  free: { metric: memory.MemAvailible }\n");
    let ended = simulate(&["--peers", "3", "--manifest", manifest.to_str().expect("UTF-8")]);
    let document: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(document["metrics"], serde_json::json!({ "free": [null, null, null] }));
    let told = "verwalter: no machine has a series for the column `free` (memory.MemAvailible); there are memory.MemAvailable";
    assert!(ended.status == Some(0) && ended.err.starts_with(told), "{ended:#?}");
}
