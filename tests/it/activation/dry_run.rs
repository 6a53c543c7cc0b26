//! The dry run: a build that fails on the newest recorded input never comes into force, and no round notices.

use super::daemon::{Daemon, SCHEDULER, note, steps};
use super::guest::{Act, scheduler};

/// The steps of an activation that ended with the last of them.
fn way(outcome: &str) -> Vec<(String, String)> {
    let done = ["read", "manifest", "pin", "quarantine", "inspect", "compile", "link", "describe", "check-config"];
    let steps = done.into_iter().map(|step| (step, "done")).chain([("dry-run", outcome)]);
    steps.map(|(step, outcome)| (step.to_owned(), outcome.to_owned())).collect()
}

#[test]
fn what_fails_on_the_newest_input_is_not_activated() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let first = daemon.plugin("spread", "it is in force", |plugin| plugin["state"] == "active");
    assert_eq!(steps(&first), way("skipped"));
    assert_eq!(note(&first, "dry-run"), "no round was recorded yet");
    let mut check = |act: Act<'_>, told: &str| {
        let bad = daemon.install_as("spread", &scheduler(9, &[("alpha", act)]), "kind: scheduler\nlimits: { fuel: 10M }\n");
        daemon.plugin("spread", "it was looked at", |plugin| plugin["error"]["digest"] == bad.as_str());
        let plugin = daemon.kept_out("spread", "dry-run", told);
        assert_eq!((&plugin["state"], &plugin["digest"], &plugin["generation"]), (&"kept".into(), &first["digest"], &1.into()), "{told}");
        assert_eq!(plugin["error"]["digest"], bad.as_str(), "{told}");
        assert_eq!(steps(&plugin), way("failed"), "{told}");
        let error = daemon.node.error("plugin spread");
        assert!(error.starts_with("dry-run: on the newest recorded input it failed (") && error.contains(told), "{error}");
        daemon.rounds(2);
        daemon.places(2);
    };
    check(Act::Trap, "(trap): ");
    check(Act::Loop, "(fuel): used up its fuel of 10M");
    check(Act::Answer(1, "no room anywhere"), "(answered): ");
    check(Act::Answer(0, r#"{"v":1,"schedule":{"roles":{"web":{"place":{"nobody":1}}}}}"#), "nobody");
    check(Act::Answer(0, "nonsense"), "(refused): the answer was refused: ");
    let detail = daemon.order(&["status", "spread"]);
    assert!(detail.contains("error        dry-run failed ") && detail.contains("dry-run        failed"), "{detail}");
    assert_eq!(daemon.failed_rounds(), 0.0, "no round noticed");

    let good = daemon.install_as("spread", &scheduler(3, &[]), SCHEDULER);
    let plugin = daemon.activated("spread", &good);
    assert_eq!((&plugin["state"], &plugin["generation"]), (&"active".into(), &2.into()));
    assert_eq!(steps(&plugin), way("done"));
    let told = note(&plugin, "dry-run");
    assert!(told.starts_with("on round ") && told.contains(" of term 1: 1 instances started, 0 stopped, 0 of them moved; fuel "), "{told}");
    daemon.places(3);
    assert_eq!(daemon.failed_rounds(), 0.0);
    daemon.node.stop();
}

#[test]
fn it_is_tried_again_when_the_metadata_changes() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    daemon.say("hard");
    daemon.rounds(2);
    let next = daemon.install("spread", &scheduler(3, &[("hard", Act::Trap)]));
    daemon.kept_out("spread", "dry-run", "(trap): ");
    daemon.say("easy");
    daemon.activated("spread", &next);
    daemon.places(3);
    assert_eq!(daemon.logged(&["a plugin could not be activated"]), 1, "{}", daemon.node.transcript());
    assert_eq!(daemon.failed_rounds(), 0.0);
}

#[test]
fn a_new_build_that_comes_with_a_restart_runs_on_what_the_journal_has() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let before = daemon.plugin("spread", "it has proven itself", |plugin| plugin["generations"][0]["proven"] == true);
    daemon.restart(|_| {});
    let same = daemon.plugin("spread", "it is in force", |plugin| plugin["state"] == "active");
    assert_eq!(same["digest"], before["digest"]);
    assert_eq!(note(&same, "dry-run"), "this build was in force before");

    daemon.restart(|site| site.write("etc/plugins/spread.wasm", scheduler(3, &[("alpha", Act::Trap)])));
    let kept = daemon.kept_out("spread", "dry-run", "(trap): ");
    assert_eq!((&kept["state"], &kept["digest"]), (&"kept".into(), &before["digest"]));
    daemon.rounds(2);
    daemon.places(2);
    assert_eq!(daemon.failed_rounds(), 0.0, "it was found out before the first round");

    // What it decides is compared with the schedule in force, although the journal's newest round began with none.
    daemon.restart(|site| site.write("etc/plugins/spread.wasm", scheduler(0, &[])));
    daemon.kept_out("spread", "dry-run", "(guard): the schedule would stop all 2 instances");
    daemon.places(2);

    daemon.restart(|site| site.write("etc/plugins/spread.wasm", scheduler(3, &[])));
    let next = daemon.plugin("spread", "it is in force", |plugin| plugin["state"] == "active");
    assert!(note(&next, "dry-run").contains(" of term 1: 1 instances started"), "{next:#}");
    daemon.places(3);
    daemon.node.stop();
}

#[test]
fn metrics_that_nobody_asked_for_before_have_figures() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let manifest = "kind: scheduler\nmetrics: { fresh: { metric: memory.MemTotal } }\n";
    let next = daemon.install_as("spread", &scheduler(3, &[("\"fresh\":[null]", Act::Trap), ("\"fresh\":[", Act::Place(4))]), manifest);
    daemon.activated("spread", &next);
    daemon.places(4);
    assert_eq!(daemon.failed_rounds(), 0.0);
}
