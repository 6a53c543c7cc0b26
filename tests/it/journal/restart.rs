//! The dry run after a restart: it has the newest recorded round, and what is in force since.

use serde_json::Value;

use super::{ALL, Turn, put, reach, run_until, scheduler, site};
use crate::support::Site;

/// Starts with `wasm` in the place of a scheduler that decided before; the status of the plugin and the first round.
fn restarted(site: &Site, wasm: &[u8]) -> (Value, Value) {
    site.write("etc/plugins/spread.wasm", wasm);
    let mut node = site.demo(&["--json"]);
    let first = reach(&mut node, 1);
    let plugin = node.get("/v1/plugins/spread").json();
    node.stop();
    (plugin, first)
}

fn check(rounds: &str, wasm: &[u8], told: &str) {
    let site = site(rounds);
    put(&site, "spread", scheduler(&[], &Turn::Places(2)), "kind: scheduler\n");
    // One round: what it followed is nothing, what it decided is in force.
    let before = run_until(&site, 1).rounds()[0].clone();
    let (plugin, first) = restarted(&site, wasm);
    assert_eq!(first["round"], 1, "{first:#}");
    assert_eq!((&first["accepted"], &first["plugin_digest"]), (&true.into(), &before["plugin_digest"]), "{first:#}");
    assert_eq!((&plugin["state"], &plugin["error"]["step"]), (&"kept".into(), &"dry-run".into()), "{plugin:#}");
    assert!(plugin["error"].to_string().contains(told), "{told}: {plugin:#}");
}

#[test]
fn a_bad_build_is_stopped_before_the_first_round() {
    for rounds in ["", ALL] {
        check(rounds, &scheduler(&[], &Turn::Runs("unreachable")), "on the newest recorded input it failed (trap): ");
        check(rounds, &scheduler(&[], &Turn::Says("[]")), "on the newest recorded input it failed (refused): ");
        let empty = scheduler(&[], &Turn::Says(r#"{"v":1,"schedule":{}}"#));
        check(rounds, &empty, "on the newest recorded input it failed (guard): the schedule would stop all 2 instances");
    }
}

#[test]
fn a_good_build_is_rehearsed_and_decides() {
    let site = site("");
    put(&site, "spread", scheduler(&[], &Turn::Places(2)), "kind: scheduler\n");
    run_until(&site, 1);
    let (plugin, first) = restarted(&site, &scheduler(&[], &Turn::Places(3)));
    assert_eq!((&first["round"], &first["instances"], &plugin["state"]), (&1.into(), &3.into(), &"active".into()), "{plugin:#}");
    let steps = plugin["steps"].to_string();
    assert!(steps.contains("on round 1 of term 1: 1 instances started, 0 stopped"), "against what is in force: {steps}");
}

#[test]
fn a_journal_that_cannot_be_read_is_no_obstacle() {
    let site = site("");
    put(&site, "spread", scheduler(&[], &Turn::Places(2)), "kind: scheduler\n");
    run_until(&site, 1);
    for entry in std::fs::read_dir(site.path("var/journal")).unwrap() {
        std::fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    let (plugin, first) = restarted(&site, &scheduler(&[], &Turn::Places(3)));
    assert_eq!((&first["instances"], &plugin["state"]), (&3.into(), &"active".into()), "{plugin:#}");
    assert!(plugin["steps"].to_string().contains("no round was recorded yet"), "{plugin:#}");
}
