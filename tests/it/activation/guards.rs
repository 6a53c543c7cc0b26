//! Guards: a schedule that looks like an accident does not come into force, neither from a dry run nor from a round; an operator lets
//! one decision through.

use super::daemon::{Daemon, note};
use super::guest::{Act, scheduler};

const EMPTY: &str = "the schedule would stop all 2 instances and place none; the schedule in force stays. If this is meant, allow it with \
                     `guards: { allow-empty: true }` in the plugin's manifest, or once with `verwalter plugin allow spread`";

#[test]
fn a_build_that_empties_the_schedule_is_let_in_by_order_only() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let empty = daemon.install("spread", &scheduler(0, &[]));
    let kept = daemon.kept_out("spread", "dry-run", EMPTY);
    assert_eq!(kept["error"]["reason"].as_str().map(|reason| reason.matches("plugin allow").count()), Some(1), "{kept:#}");
    daemon.rounds(2);
    daemon.places(2);
    assert_eq!(daemon.failed_rounds(), 0.0);
    let told = daemon.order(&["allow", "spread"]);
    let expect = "the next decision of plugin spread may pass its guards, once, within 10 minutes; its files are in force\n";
    assert_eq!(told, expect);
    let plugin = daemon.activated("spread", &empty);
    assert!(note(&plugin, "dry-run").contains("0 instances started, 2 stopped"), "{plugin:#}");
    daemon.places(0);
    assert_eq!(daemon.failed_rounds(), 0.0);

    // That pass is used up.
    let full = daemon.install("spread", &scheduler(2, &[("another build", Act::Trap)]));
    daemon.activated("spread", &full);
    daemon.places(2);
    daemon.install("spread", &scheduler(0, &[]));
    daemon.kept_out("spread", "dry-run", EMPTY);
    daemon.rounds(2);
    daemon.places(2);
}

#[test]
fn a_round_that_empties_the_schedule_is_stopped_until_it_is_allowed() {
    let mut daemon = Daemon::start(&scheduler(2, &[("nothing", Act::Place(0))]));
    daemon.plugin("spread", "it has proven itself", |plugin| plugin["generations"][0]["proven"] == true);
    for _ in 0..2 {
        daemon.say("nothing");
        let round = daemon.round("the guard stops it", |round| round["accepted"] == false);
        assert_eq!(round["cause"], "guard");
        assert!(daemon.node.error("scheduler").ends_with(EMPTY), "{round:#}");
        daemon.places(2);
        assert_eq!(daemon.order(&["allow", "spread"]), "the next decision of plugin spread may pass its guards, once, within 10 minutes\n");
        daemon.places(0);
        daemon.round("what follows changes nothing", |round| round["accepted"] == true && round["changed"] == false);
        daemon.node.eventually("the log has the warning", |node| {
            node.err.iter().any(|line| line.contains("an operator allowed it past a guard: the schedule would stop all 2")).then_some(())
        });
        daemon.say("");
        daemon.places(2);
    }
    let failures = daemon.plugin("spread", "it is counted", |plugin| plugin["metrics"]["failures"]["guard"].as_u64() >= Some(2));
    assert_eq!(failures["state"], "active", "no other build does better: it stays");
}

#[test]
fn the_manifest_may_allow_it_for_good() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    let empty = daemon.install_as("spread", &scheduler(0, &[]), "kind: scheduler\nguards: { allow-empty: true }\n");
    daemon.activated("spread", &empty);
    daemon.places(0);
    assert_eq!(daemon.failed_rounds(), 0.0);
}

#[test]
fn passes_are_for_schedulers() {
    let mut daemon = Daemon::start(&scheduler(2, &[]));
    daemon.install_as("watch", &super::guest::policy(1, &[]), "kind: policy\n");
    daemon.plugin("watch", "it is in force", |plugin| plugin["state"] == "active");
    daemon.refused(&["allow", "watch"], "plugin watch is a policy: only what a scheduler decides has guards");
    daemon.refused(&["allow", "nobody"], "there is no plugin `nobody`: /v1/plugins lists them");
}
