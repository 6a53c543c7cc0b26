//! `verwalter replay`: what a recorded round changed, and what another build would have placed in it.

use serde_json::{Value, json};

use super::{ALL, Turn, put, recorded, records, run_until, scheduler, site};
use crate::sandbox::guest::FILTER_CORE;
use crate::support::Site;

/// Round 1 places one instance, round 2 two, round 3 fails, later ones place two.
fn rounds() -> Site {
    let site = site(ALL);
    let turns = [('1', Turn::Places(1)), ('3', Turn::Runs("unreachable"))];
    put(&site, "spread", scheduler(&turns, &Turn::Places(2)), "kind: scheduler\n");
    run_until(&site, 4);
    // Another build, not in force.
    let wasm = scheduler(&[('1', Turn::Places(4)), ('4', Turn::Complains("not today"))], &Turn::Says(r#"{"v":1,"schedule":{}}"#));
    site.write("new.wasm", wasm);
    site
}

/// The lines of standard output, and standard error.
fn replay(site: &Site, args: &[&str], status: i32) -> (Vec<String>, String) {
    let ended = recorded(site, "replay", args);
    assert_eq!(ended.status, Some(status), "{args:?}: {ended:#?}");
    (ended.out.lines().map(str::to_owned).collect(), ended.err)
}

#[test]
fn what_a_round_changed() {
    let site = rounds();
    let check = |round: &str, lines: &[&str], told: &str| {
        let (out, err) = replay(&site, &[round], 0);
        assert_eq!(out, lines, "{round}: {err}");
        assert!(err.contains(told), "{round}: {told}: {err}");
    };
    let from = "from the schedule before to the one decided: ";
    check("1", &["+ web on alpha: 0 → 1"], &format!("{from}0 instances before, 1 after; 1 started, 0 stopped, 0 of them moved; 0 "));
    check("2", &["+ web on alpha: 1 → 2"], &format!("{from}1 instances before, 2 after; 1 started, "));
    check("1/2", &["+ web on alpha: 1 → 2"], from);
    check("4", &[], &format!("{from}2 instances before, 2 after; 0 started, "));
    let (out, err) = replay(&site, &["3"], 1);
    assert_eq!(out, [""; 0]);
    assert!(err.starts_with("verwalter: in round 3 nothing was decided (plugin spread (") && err.contains(": name another build"), "{err}");
    let (_, err) = replay(&site, &["2/2"], 1);
    assert!(err.starts_with("verwalter: round 2 of term 2 is not in the journal: "), "{err}");
    let (_, err) = replay(&site, &["999"], 1);
    assert!(err.starts_with("verwalter: round 999 is not in the journal: "), "{err}");
}

#[test]
fn of_rounds_with_one_number_the_newest_is_meant() {
    let site = rounds();
    let text = site.read("etc/plugins/spread.yaml").unwrap();
    put(&site, "spread", scheduler(&[], &Turn::Places(3)), &text);
    run_until(&site, 2);
    for (round, line) in [("1", "+ web on alpha: 2 → 3"), ("2/1", "+ web on alpha: 2 → 3"), ("1/1", "+ web on alpha: 0 → 1")] {
        assert_eq!(replay(&site, &[round], 0).0, [line], "{round}");
    }
}

#[test]
fn what_another_build_would_have_placed() {
    let site = rounds();
    let new = site.path("new.wasm").display().to_string();
    let (out, err) = replay(&site, &["1", "--plugin", &new], 0);
    assert_eq!(out, ["+ web on alpha: 1 → 4"], "{err}");
    assert!(err.starts_with("fuel ") && err.contains("from the recorded decision to this build's: 1 instances before, 4 after"), "{err}");
    assert!(!err.contains("guard"), "nothing ran before: {err}");
    let (out, err) = replay(&site, &["2", "--plugin", &new], 0);
    assert_eq!(out, ["- web on alpha: 2 → 0"], "{err}");
    assert!(err.contains("a daemon's guard would stop it: the schedule would stop all 1 instances"), "{err}");
    // Nothing was decided: what stood before is compared with.
    let (out, err) = replay(&site, &["3", "--plugin", &new], 0);
    assert_eq!(out, ["- web on alpha: 2 → 0"], "{err}");
    assert!(err.contains("since nothing was decided in that round"), "{err}");

    let (out, _) = replay(&site, &["1", "--plugin", &new, "--json"], 0);
    let object: Value = serde_json::from_str(&out[0]).unwrap();
    assert_eq!(object["diff"], json!({ "added": { "web": { "alpha": 3 } }, "removed": {}, "moved": {}, "changed": {} }));
    assert_eq!((&object["round"], &object["term"], &object["totals"]["after"]), (&1.into(), &1.into(), &4.into()));
    assert!(object["fuel"].as_u64() > Some(0), "{object:#}");
    let count = records(&site).len();
    replay(&site, &["1", "--plugin", &new], 0);
    assert_eq!(records(&site).len(), count, "it records nothing");
}

#[test]
fn a_build_that_cannot_decide() {
    let site = rounds();
    let new = site.path("new.wasm").display().to_string();
    let fails = |args: &[&str], told: &str| {
        let (out, err) = replay(&site, args, 1);
        assert!(out.is_empty() && err.starts_with("verwalter: ") && err.contains(told), "{told}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    fails(&["4", "--plugin", &new], "answered an error: not today");
    let file = |name: &str, bytes: &[u8]| {
        site.write(name, bytes);
        site.path(name).display().to_string()
    };
    fails(&["1", "--plugin", &file("garbage.wasm", b"garbage")], "garbage.wasm: inspect: it is no WebAssembly");
    fails(&["1", "--plugin", &site.path("missing.wasm").display().to_string()], "missing.wasm");
    let filter = crate::sandbox::guest::translate(FILTER_CORE);
    fails(&["1", "--plugin", &file("filter.wasm", &filter)], "the manifest says `kind: scheduler`, but what it exports makes it a filter");
    fails(
        &["1", "--plugin", &new, "--manifest", &file("policy.yaml", b"kind: policy\n")],
        "policy.yaml is the manifest of a policy plugin",
    );
    fails(&["1", "--plugin", &new, "--manifest", &file("bad.yaml", b"kind: [")], "bad.yaml:1:");
    let trap = file("trap.wasm", &scheduler(&[], &Turn::Runs("unreachable")));
    fails(&["1", "--plugin", &trap], "plugin trap (");
}

#[test]
fn whose_manifest_counts() {
    let site = rounds();
    let new = site.path("new.wasm").display().to_string();
    let little = b"kind: scheduler\nlimits: { input: 1KiB }\n";
    // Without one of its own, the recorded one.
    replay(&site, &["1", "--plugin", &new], 0);
    site.write("new.yaml", little);
    let (_, err) = replay(&site, &["1", "--plugin", &new], 1);
    assert!(err.contains("more than its limit of 1KiB"), "the one beside it: {err}");
    site.write("other.yaml", "kind: scheduler\nmetrics:\n  heat: { metric: sensors.temperature }\n");
    let (out, err) = replay(&site, &["1", "--plugin", &new, "--manifest", &site.path("other.yaml").display().to_string()], 0);
    assert_eq!(out, ["+ web on alpha: 1 → 4"], "{err}");
    assert!(err.starts_with("no figures were recorded for the metric `heat`: "), "{err}");
}
