//! `mode: shadow`: a plugin that decides beside the active one, is compared with it, and has no other effect.

use serde_json::Value;

use super::daemon::{Daemon, SCHEDULER, note};
use super::guest::{Act, policy, scheduler};
use crate::support::get;

const SHADOW: &str = "kind: scheduler\nmode: shadow\n";

/// Waits until the shadow `name` is as `want` likes it.
fn shadow(daemon: &mut Daemon, name: &str, what: &str, want: impl Fn(&Value) -> bool) -> Value {
    let (addr, path) = (daemon.node.addr(), format!("/v1/plugins/{name}/shadow"));
    let mut last = Value::Null;
    daemon.node.eventually(what, |_| {
        last = get(addr, &path).json();
        want(&last).then(|| last.clone())
    })
}

fn at_least(value: &Value, least: u64) -> bool {
    value.as_u64().is_some_and(|count| count >= least)
}

/// A daemon that places two, with a shadow `next`.
fn beside(wasm: &[u8]) -> Daemon {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let digest = daemon.install_as("next", wasm, SHADOW);
    let plugin = daemon.activated("next", &digest);
    assert_eq!((&plugin["state"], &plugin["mode"]), (&"shadow".into(), &"shadow".into()));
    daemon
}

#[test]
fn one_that_places_the_same_and_then_something_else() {
    let mut daemon = beside(&scheduler(2, &[("more", Act::Place(5)), ("less", Act::Place(0))]));
    let seen = shadow(&mut daemon, "next", "it says the same", |seen| at_least(&seen["same"], 2));
    assert_eq!(
        (&seen["different"], &seen["failed"], &seen["last"]),
        (&0.into(), &serde_json::json!({}), &serde_json::json!([])),
        "{seen:#}"
    );
    daemon.say("more");
    let seen = shadow(&mut daemon, "next", "it says something else", |seen| at_least(&seen["different"], 12));
    let last = seen["last"].as_array().expect("a list");
    assert_eq!(last.len(), 10, "the newest are kept");
    let newest = &last[0];
    assert!(newest["round"].as_u64() > last[9]["round"].as_u64(), "newest first: {seen:#}");
    assert_eq!((&newest["totals"]["before"], &newest["totals"]["after"], &newest["totals"]["started"]), (&2.into(), &5.into(), &3.into()));
    let line = newest["lines"][0].as_str().expect("a line");
    assert!(line.contains("web") && line.contains("alpha") && line.contains('5'), "{line}");
    assert_eq!(seen["totals"]["started"].as_u64(), seen["different"].as_u64().map(|rounds| rounds * 3), "{seen:#}");
    assert_eq!(newest["active"], daemon.node.get("/v1/schedule").json()["hash"].as_str().map(|hash| format!("sha256:{hash}")).unwrap());
    let told = daemon.order(&["shadow", "next"]);
    assert!(told.contains("different: ") && told.contains(line), "{told}");
    let told = daemon.order(&["shadow", "next", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("the node's own JSON");
    assert_eq!(told["digest"], seen["digest"]);
    // Its guards are no matter: nothing that it says has an effect.
    daemon.say("less");
    shadow(&mut daemon, "next", "it places nothing", |seen| seen["last"][0]["totals"]["after"] == 0);
    daemon.places(2);
    assert_eq!(daemon.failed_rounds(), 0.0);
    // A new build begins anew.
    let digest = daemon.install_as("next", &scheduler(2, &[]), SHADOW);
    let seen =
        shadow(&mut daemon, "next", "the new build is compared", |seen| seen["digest"] == digest.as_str() && at_least(&seen["same"], 1));
    assert_eq!(seen["different"], 0);
    daemon.refused(&["shadow", "spread"], "plugin `spread` runs in no shadow: set `mode: shadow` in its manifest");
    daemon.node.stop();
}

#[test]
fn one_that_fails() {
    let mut daemon = beside(&scheduler(2, &[("hard", Act::Trap), ("junk", Act::Answer(0, "junk"))]));
    daemon.say("hard");
    let seen = shadow(&mut daemon, "next", "it traps", |seen| at_least(&seen["failed"]["trap"], 5));
    assert!(
        seen["last_failure"].as_str().is_some_and(|failure| failure.contains("plugin next (") && failure.contains("unreachable")),
        "{seen:#}"
    );
    daemon.say("junk");
    shadow(&mut daemon, "next", "it answers junk", |seen| at_least(&seen["failed"]["refused"], 1));
    let plugin = daemon.plugin("next", "it is not set aside", |_| true);
    assert_eq!((&plugin["state"], &plugin["error"]), (&"shadow".into(), &Value::Null), "{plugin:#}");
    assert_eq!(daemon.failed_rounds(), 0.0);
    daemon.places(2);
}

#[test]
fn one_that_is_slower_than_rounds_come() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let slow = scheduler(2, &[("slow", Act::Loop)]);
    daemon.install_as("next", &slow, "kind: scheduler\nmode: shadow\nlimits: { time: 60s, fuel: 1000G }\n");
    shadow(&mut daemon, "next", "it says the same", |seen| at_least(&seen["same"], 1));
    daemon.say("slow");
    // It will not end for a minute; rounds go on meanwhile.
    daemon.rounds(20);
    assert_eq!(daemon.failed_rounds(), 0.0);
    daemon.node.stop();

    let mut daemon = Daemon::start(&scheduler(2, &[]));
    daemon.install_as("next", &slow, "kind: scheduler\nmode: shadow\nlimits: { time: 500ms, fuel: 1000G }\n");
    shadow(&mut daemon, "next", "it says the same", |seen| at_least(&seen["same"], 1));
    daemon.say("slow");
    let seen = shadow(&mut daemon, "next", "rounds pass by", |seen| at_least(&seen["failed"]["time"], 2) && at_least(&seen["skipped"], 3));
    assert!(at_least(&seen["rounds"], 3), "{seen:#}");
    assert_eq!(daemon.failed_rounds(), 0.0);
}

#[test]
fn a_policy() {
    let mut daemon = Daemon::start(&scheduler(2, &[("three", Act::Place(3)), ("four", Act::Place(4)), ("five", Act::Place(5))]));
    let deny = r#"{"v":1,"verdict":"deny","reasons":["four is too many"]}"#;
    daemon.install_as("watch", &policy(1, &[("four", Act::Answer(0, deny)), ("five", Act::Trap)]), "kind: policy\nmode: shadow\n");
    daemon.plugin("watch", "it is in shadow", |plugin| plugin["state"] == "shadow" && plugin["error"].is_null());
    daemon.say("three");
    shadow(&mut daemon, "watch", "it agrees", |seen| seen["same"] == 1);
    daemon.say("four");
    let seen = shadow(&mut daemon, "watch", "it differs", |seen| seen["different"] == 1);
    let last = &seen["last"][0];
    assert_eq!(
        (&last["active"], &last["shadow"], &last["lines"]),
        (&"allow".into(), &"deny".into(), &serde_json::json!(["four is too many"]))
    );
    daemon.places(4);
    daemon.say("five");
    shadow(&mut daemon, "watch", "it fails", |seen| seen["failed"]["trap"] == 1);
    daemon.places(5);
    assert_eq!(daemon.failed_rounds(), 0.0);
}

#[test]
fn from_the_shadow_into_force() {
    let mut daemon = beside(&scheduler(0, &[("full", Act::Place(3))]));
    // In force it would empty the schedule: its dry run finds that out.
    let wasm = scheduler(0, &[("full", Act::Place(3))]);
    let digest = daemon.install_as("next", &wasm, SCHEDULER);
    let plugin = daemon.kept_out("next", "dry-run", "(guard): the schedule would stop all 2 instances");
    assert_eq!((&plugin["state"], &plugin["mode"]), (&"kept".into(), &"shadow".into()), "it goes on as a shadow: {plugin:#}");
    shadow(&mut daemon, "next", "it is still compared", |seen| at_least(&seen["different"], 1));
    daemon.say("full");
    // Now it does well, and waits for its place.
    daemon.plugin("next", "there are two", |plugin| plugin["error"]["step"] == "place");
    daemon.places(2);
    daemon.put("plugins/spread.yaml", "kind: scheduler\nmode: off\n");
    let plugin = daemon.activated("next", &digest);
    assert!(note(&plugin, "dry-run").contains("1 instances started"), "{plugin:#}");
    daemon.places(3);
    daemon.refused(&["shadow", "next"], "runs in no shadow");
}

#[test]
fn others_have_nobody_to_be_compared_with() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    for kind in ["filter", "query"] {
        daemon.put(&format!("plugins/{kind}.yaml"), format!("kind: {kind}\nmode: shadow\n"));
        daemon.kept_out(
            kind,
            "manifest",
            &format!("{kind}.yaml:2:1: `mode`: a {kind} plugin has nobody to be compared with: write `active`"),
        );
    }
}
