//! Quarantine: a build that fails round after round is set aside, the former good one decides again, and no restart brings it back.

use serde_json::Value;

use super::daemon::{Daemon, SCHEDULER};
use super::guest::{Act, policy, scheduler};

/// A daemon whose second build was set aside after it began to trap on the word `hard`, which still stands; digests of both builds.
fn set_aside() -> (Daemon, String, String) {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let first = daemon.plugin("spread", "it has proven itself", |plugin| plugin["generations"][0]["proven"] == true);
    let next = daemon.install("spread", &scheduler(3, &[("hard", Act::Trap)]));
    daemon.activated("spread", &next);
    daemon.places(3);
    daemon.say("hard");
    daemon.kept_out("spread", "quarantine", "3 bad rounds in a row, the last: plugin spread (");
    daemon.places(2);
    (daemon, first["digest"].as_str().expect("a digest").to_owned(), next)
}

/// The build `next` is aside and `first` decides.
fn is_aside(daemon: &mut Daemon, first: &str, next: &str) -> Value {
    let plugin = daemon.kept_out("spread", "quarantine", "lift it with `verwalter plugin release spread`");
    assert_eq!((&plugin["state"], plugin["digest"].as_str()), (&"kept".into(), Some(first)), "{plugin:#}");
    assert_eq!((plugin["error"]["digest"].as_str(), plugin["quarantined"][0]["digest"].as_str()), (Some(next), Some(next)), "{plugin:#}");
    assert_eq!(plugin["quarantined"].as_array().map(Vec::len), Some(1), "{plugin:#}");
    let round = daemon.round("the former build decides", |round| round["accepted"] == true);
    assert_eq!(round["plugin_digest"], first);
    plugin
}

#[test]
fn three_bad_rounds_bring_the_former_build_back() {
    let (mut daemon, first, next) = set_aside();
    let plugin = is_aside(&mut daemon, &first, &next);
    let generations = plugin["generations"].as_array().expect("a list");
    let shown: Vec<_> = generations.iter().map(|g| (g["number"].as_u64(), g["in_force"] == true, g["quarantined"].is_string())).collect();
    assert_eq!(shown, [(Some(2), false, true), (Some(1), true, false)], "{plugin:#}");
    assert_eq!(plugin["generation"], 1);
    let error = daemon.node.error("plugin spread");
    assert!(error.starts_with("quarantine: 3 bad rounds in a row") && error.contains("unreachable"), "{error}");
    assert_eq!(daemon.metric("verwalter_plugin_quarantines_total{plugin=\"spread\"}"), 1.0);
    let failed = daemon.failed_rounds();
    assert!(failed >= 3.0, "{failed}");
    daemon.rounds(3);
    assert_eq!(daemon.failed_rounds(), failed, "the former one decides well");
    assert_eq!(daemon.logged(&["ERROR", "a build was set aside"]), 1, "{}", daemon.node.transcript());
    let table = daemon.order(&["status"]);
    assert!(table.contains(" kept ") && table.contains("quarantine failed ") && table.contains("was put into quarantine"), "{table}");
    let detail = daemon.order(&["status", "spread"]);
    assert!(detail.contains("\nquarantine   ") && detail.contains("in quarantine: 3 bad rounds"), "{detail}");
    daemon.node.stop();
}

#[test]
fn no_restart_brings_it_back() {
    let (mut daemon, first, next) = set_aside();
    for _ in 0..2 {
        daemon.restart(|_| {});
        is_aside(&mut daemon, &first, &next);
        daemon.rounds(3);
        is_aside(&mut daemon, &first, &next);
        assert_eq!(daemon.failed_rounds(), 0.0);
        assert_eq!(daemon.logged(&["plugin activated"]), 0, "{}", daemon.node.transcript());
    }
}

#[test]
fn it_is_lifted_by_order() {
    let (mut daemon, first, next) = set_aside();
    let told = daemon.order(&["release", "spread"]);
    let expect = "one build of plugin spread may be activated again; its files are not in force: dry-run: ";
    assert!(told.starts_with(expect), "the word still stands: {told}");
    let kept = daemon.kept_out("spread", "dry-run", "(trap): ");
    assert_eq!((kept["digest"].as_str(), &kept["quarantined"]), (Some(first.as_str()), &Value::Array(Vec::new())));
    daemon.refused(&["release", "spread"], "no build of plugin spread is set aside");
    daemon.say("");
    daemon.activated("spread", &next);
    daemon.places(3);
}

#[test]
fn it_does_not_hold_for_other_builds() {
    let (mut daemon, _, _) = set_aside();
    let other = daemon.install("spread", &scheduler(4, &[]));
    daemon.activated("spread", &other);
    daemon.places(4);

    let (mut daemon, first, next) = set_aside();
    // Another manifest makes another build of it; it has to pass its dry run as any other.
    daemon.say("");
    daemon.round("the word is gone", |round| round["accepted"] == true && round["plugin_digest"] == first.as_str());
    daemon.put("plugins/spread.yaml", "kind: scheduler\nlimits: { fuel: 1G }\n");
    daemon.activated("spread", &next);
    daemon.places(3);
}

#[test]
fn without_a_former_build_the_schedule_stays() {
    let mut daemon = Daemon::bare("journal: { rounds: none }\n", &[("former", &scheduler(2, &[]), SCHEDULER)]);
    daemon.places(2);
    daemon.restart(|site| {
        for file in ["former.wasm", "former.yaml"] {
            std::fs::remove_file(site.path(&format!("etc/plugins/{file}"))).expect("it is there");
        }
        site.write("etc/plugins/spread.wasm", scheduler(3, &[("alpha", Act::Trap)]));
        site.write("etc/plugins/spread.yaml", SCHEDULER);
    });
    let plugin = daemon.kept_out("spread", "quarantine", "3 bad rounds in a row, the last: ");
    assert_eq!((&plugin["state"], &plugin["digest"]), (&"quarantined".into(), &Value::Null), "{plugin:#}");
    daemon.places(2);
    daemon.round("the reason is told", |round| {
        let told = ["no scheduler plugin is active", "(spread: quarantine: 3 bad rounds in a row"];
        round["error"].as_str().is_some_and(|error| told.iter().all(|told| error.contains(told)))
    });
    daemon.refused(&["rollback", "spread"], "no build of plugin spread is in force: `verwalter plugin status spread` says why");
    daemon.restart(|_| {});
    let plugin = daemon.kept_out("spread", "quarantine", "this build was set aside: 3 bad rounds in a row");
    assert_eq!(plugin["state"], "quarantined");
    daemon.places(2);
    let good = daemon.install("spread", &scheduler(3, &[]));
    daemon.activated("spread", &good);
    daemon.places(3);
}

#[test]
fn a_build_that_decided_well_stays_where_none_does_better() {
    let mut daemon = Daemon::start(&scheduler(2, &[("hard", Act::Trap)]));
    daemon.plugin("spread", "it has proven itself", |plugin| plugin["generations"][0]["proven"] == true);
    daemon.say("hard");
    daemon.node.eventually("it is said", |node| {
        node.err.iter().any(|line| line.contains("a build fails round after round and stays in force")).then_some(())
    });
    let round = daemon.rounds(5);
    assert_eq!((&round["accepted"], &round["cause"]), (&false.into(), &"trap".into()), "it is tried again: {round:#}");
    let plugin = daemon.plugin("spread", "it stays", |plugin| plugin["state"] == "active");
    assert_eq!((&plugin["quarantined"], &plugin["error"]), (&Value::Array(Vec::new()), &Value::Null));
    daemon.places(2);
    daemon.say("");
    daemon.round("it decides again", |round| round["accepted"] == true);
}

#[test]
fn an_error_that_it_answers_is_its_considered_word() {
    let mut daemon = Daemon::start(&scheduler(1, &[]));
    let next = daemon.install("spread", &scheduler(2, &[("full", Act::Answer(1, "no room anywhere"))]));
    daemon.activated("spread", &next);
    daemon.places(2);
    daemon.say("full");
    daemon.round("it answers an error", |round| round["cause"] == "answered");
    let round = daemon.rounds(6);
    assert_eq!((&round["cause"], &round["plugin_digest"]), (&"answered".into(), &next.as_str().into()), "{round:#}");
    assert_eq!(daemon.plugin("spread", "it stays", |_| true)["state"], "active");
}

#[test]
fn policies_are_set_aside_too() {
    let mut daemon = Daemon::start(&scheduler(1, &[("more", Act::Place(2))]));
    let good = daemon.install_as("watch", &policy(1, &[]), "kind: policy\n");
    daemon.activated("watch", &good);
    let other = daemon.install_as("beside", &policy(7, &[]), "kind: policy\n");
    daemon.activated("beside", &other);
    daemon.say("more");
    daemon.places(2);
    daemon.plugin("watch", "it has proven itself", |plugin| plugin["generations"][0]["proven"] == true);
    let bad = daemon.install_as("watch", &policy(2, &[("hard", Act::Trap)]), "kind: policy\n");
    daemon.activated("watch", &bad);
    // The schedule would change again: the policies are asked.
    daemon.say("hard");
    daemon.kept_out("watch", "quarantine", "3 bad rounds in a row, the last: ");
    daemon.places(1);
    let plugin = daemon.plugin("watch", "the former one reviews", |plugin| plugin["state"] == "kept");
    assert_eq!(plugin["digest"], good.as_str());
    assert_eq!(daemon.plugin("beside", "it is left alone", |_| true)["state"], "active");
    assert_eq!(daemon.plugin("spread", "it is not to blame", |_| true)["state"], "active");
}
