//! A hundred new builds, one after the other, while rounds go on: no round fails or is left out, and the daemon does not grow. It
//! measures no times: the bench `reload` does.

use std::fs;

use super::watched::{Builds, WASM, digest};
use crate::support::{Node, Site};

/// Until everything that is kept a few times is there that often.
const WARM_UP: usize = 20;
const RELOADS: usize = 100;

#[test]
fn a_hundred_reloads_cost_no_round_and_no_memory() {
    let site = Site::prepared();
    let mut node = site.demo(&["--json"]);
    node.round("a round", |round| round["accepted"] == true);
    let mut builds = Builds::of(&mut node);
    let mut resident = Vec::new();
    for _ in 0..WARM_UP + RELOADS {
        let wasm = builds.next();
        site.write("next.wasm", &wasm);
        fs::rename(site.path("next.wasm"), site.path(WASM)).expect("renamed");
        let digest = digest(&wasm);
        node.round("a round of the new build", |round| round["plugin_digest"] == digest);
        resident.push(resident_kib(&node));
    }
    let status = node.get("/v1/plugins/spread").json();
    assert_eq!(status["activations"], 1 + WARM_UP + RELOADS, "{status:#}");
    node.healthy();
    node.stop();

    let rounds = node.rounds();
    let numbers: Vec<u64> = rounds.iter().map(|round| round["round"].as_u64().expect("a number")).collect();
    assert!(numbers.iter().zip(1..).all(|(found, due)| *found == due), "rounds are missing: {numbers:?}");
    let failed: Vec<_> = rounds.iter().filter(|round| round["accepted"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let changed = rounds.iter().filter(|round| round["changed"] == true).count();
    assert_eq!(changed, 1, "all builds answer the schedule of the first round");

    let tenth = RELOADS / 10;
    let (first, last) = (median(&resident[WARM_UP..WARM_UP + tenth]), median(&resident[WARM_UP + RELOADS - tenth..]));
    assert!(last * 10 <= first * 11, "resident memory grew from {first} to {last} KiB: {resident:?}");
}

/// As the kernel counts it.
fn resident_kib(node: &Node) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
