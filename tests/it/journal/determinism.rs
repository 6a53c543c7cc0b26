//! The same decision gives the same bytes for the same fuel: a hundred times, in several threads and processes, with and without other
//! work on the machine. What ends by fuel ends at the same instruction.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use verwalter::plugin::manifest::Manifest;
use verwalter::plugin::{Activator, Loaded};
use verwalter::round::decide::decide;
use verwalter::round::recorded;
use verwalter_core::names::PluginName;
use verwalter_core::ports::FailureCause;

use super::{ALL, put, run_until, site, under_load};
use crate::sandbox::guest::importing;
use crate::sandbox::world::{self, CACHE_BYTES, compiler};
use crate::support::{Site, program};

fn prebuilt(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/prebuilt").join(name)
}

/// What a decision came to.
type Came = (String, u64);

/// `verwalter schedule` in a process of its own; `ballast` moves what lies in its memory.
fn in_a_process(site: &Site, plugin: &Path, ballast: usize) -> Came {
    let mut command = program();
    command.env("BALLAST", "x".repeat(ballast)).args(["schedule", "--json", "--plugin"]).arg(plugin);
    command.arg("--input").arg(site.path("input.json")).arg("--manifest").arg(site.path("etc/plugins/spread.yaml"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    (serde_json::to_string(&[&answer["schedule"], &answer["why"], &answer["changes"]]).unwrap(), answer["fuel"].as_u64().unwrap())
}

/// The same in this process.
fn in_place(plugin: &Loaded, text: &str) -> Came {
    let view = Arc::new(recorded::view(text, &[]).unwrap());
    let decided = decide(plugin, text, &view, Duration::ZERO).unwrap();
    let schedule: Value = serde_json::from_str(decided.admitted.schedule.canonical()).unwrap();
    let why = serde_json::to_value(decided.admitted.why.read().unwrap_or_default()).unwrap();
    let changes = serde_json::to_value(&decided.admitted.changes).unwrap();
    (serde_json::to_string(&[schedule, why, changes]).unwrap(), decided.cost.fuel)
}

/// What the demo's newest round read.
fn with_input() -> (Site, String) {
    let site = site("");
    let mut node = site.demo(&["--json"]);
    super::reach(&mut node, 2);
    let text = node.get("/v1/scheduler_input").body;
    node.stop();
    site.write("input.json", &text);
    (site, text)
}

#[test]
fn a_hundred_times_in_threads_and_processes() {
    let (site, text) = with_input();
    let manifest = Manifest::read(&site.path("etc/plugins/spread.yaml")).unwrap();
    for build in ["spread.wasm", "spread-core.wasm"] {
        let file = prebuilt(build);
        let activator = Activator::without_storage(&site.path(&format!("cache-{build}")), compiler(), CACHE_BYTES).unwrap();
        let plugin = activator.load(&PluginName::new("spread").unwrap(), &std::fs::read(&file).unwrap(), &manifest).unwrap();
        let quiet: BTreeSet<Came> = (0..25).map(|_| in_place(&plugin, &text)).collect();
        let busy = || {
            std::thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..3).map(|_| scope.spawn(|| (0..25).map(|_| in_place(&plugin, &text)).collect::<Vec<_>>())).collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<BTreeSet<Came>>()
            })
        };
        let busy = under_load(busy);
        let alone = in_a_process(&site, &file, 0);
        let other = under_load(|| in_a_process(&site, &file, 100_000));
        assert!(alone.0.contains("\"web\"") && alone.1 > 10_000, "{build} decides: {alone:?}");
        assert_eq!((quiet, busy), (BTreeSet::from([alone.clone()]), BTreeSet::from([other.clone()])), "{build}");
        assert_eq!(alone, other, "{build}");
    }
}

#[test]
fn an_endless_loop_ends_at_the_same_instruction() {
    const LOG: &str = r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))
        (global $count (mut i32) (i32.const 0)) (data (i32.const 512) "0123456789abcdefghijklmnopqrstuvwxyz")"#;
    // Each turn logs a text whose length tells its number, so that the log shows where the loop stood.
    let body = "(local $turn i32) (loop
        (call $log (i32.const 2) (i32.const 512) (i32.rem_u (local.get $turn) (i32.const 37)))
        (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
        (br 0))";
    let wasm = importing(LOG, body);
    let dir = tempfile::tempdir().unwrap();
    let activator = Activator::without_storage(dir.path(), compiler(), CACHE_BYTES).unwrap();
    let snapshot = world::cluster(Default::default());
    // One unit of fuel more each time, over more than a turn of the loop: where a turn begins to fit is one exact number.
    let walk = || -> Vec<(usize, usize, u64)> {
        let ended = |fuel: u64| {
            let manifest = world::manifest(&format!("kind: scheduler\nlimits: {{ fuel: {fuel} }}\n"));
            let plugin = activator.load(&PluginName::new("loop").unwrap(), &wasm, &manifest).unwrap();
            let failed = world::decide(&plugin, &snapshot, &[]).unwrap_err();
            assert_eq!((failed.cause(), plugin.id().name.as_str()), (FailureCause::Fuel, "loop"), "{failed}");
            let log = failed.log();
            (log.len(), log.last().map_or(0, |line| line.text.len()), failed.cost().unwrap().fuel)
        };
        (100_000..101_200).step_by(3).map(ended).collect()
    };
    let quiet = walk();
    let turns: BTreeSet<usize> = quiet.iter().map(|(lines, _, _)| *lines).collect();
    assert!(turns.len() > 1 && turns.len() < 5, "the log tells one turn from the next, and no more than those: {turns:?}");
    assert_eq!(quiet, under_load(walk));
    for (found, limit) in quiet.iter().zip((100_000..101_200).step_by(3)) {
        assert_eq!(found.2, limit, "all of it, and nothing beyond");
    }
}

#[test]
fn a_daemon_that_ends_it_and_another_process_agree() {
    let site = site(ALL);
    let wasm = super::scheduler(&[('2', super::Turn::Runs("(loop (br 0))"))], &super::Turn::Places(1));
    put(&site, "spread", wasm, "kind: scheduler\nlimits: { fuel: 3333333 }\n");
    run_until(&site, 3);
    let (lines, _) = under_load(|| super::verify(&site, &[], 0));
    let ended = lines.iter().find(|line| line.starts_with("round 2 ")).unwrap();
    assert!(ended.ends_with("same bytes, same fuel (3333333)"), "{lines:#?}");
}
