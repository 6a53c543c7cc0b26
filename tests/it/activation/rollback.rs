//! Generations and the ways back: six builds are kept over restarts, an operator returns to one of them, and what cannot be done is
//! refused with a reason.

use serde_json::Value;

use super::daemon::{Daemon, SCHEDULER};
use super::guest::{Act, scheduler};
use crate::support::run_to_end;

/// A daemon after builds that place 1 to `builds` instances, and their digests.
fn built(builds: u32) -> (Daemon, Vec<String>) {
    let mut daemon = Daemon::start(&scheduler(1, &[]));
    let first = daemon.plugin("spread", "it is in force", |plugin| plugin["state"] == "active");
    let mut digests = vec![first["digest"].as_str().expect("a digest").to_owned()];
    for instances in 2..=builds {
        let digest = daemon.install("spread", &scheduler(instances, &[]));
        daemon.activated("spread", &digest);
        digests.push(digest);
    }
    daemon.places(builds);
    (daemon, digests)
}

/// Number, whether in force and whether in quarantine, newest first.
fn generations(plugin: &Value) -> Vec<(u64, bool, bool)> {
    let generations = plugin["generations"].as_array().expect("a list");
    generations.iter().map(|g| (g["number"].as_u64().expect("a number"), g["in_force"] == true, g["quarantined"].is_string())).collect()
}

#[test]
fn six_builds_are_kept_over_restarts() {
    let (mut daemon, digests) = built(8);
    let kept: Vec<_> = (3..=8).rev().map(|number| (number, number == 8, false)).collect();
    assert_eq!(generations(&daemon.plugin("spread", "it is listed", |_| true)), kept);
    daemon.restart(|_| {});
    let plugin = daemon.activated("spread", &digests[7]);
    assert_eq!((generations(&plugin), &plugin["generation"]), (kept, &8.into()));
    let builds = std::fs::read_dir(daemon.site.path("var/plugins")).expect("it is there").map(|entry| entry.expect("an entry").path());
    assert_eq!(builds.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).count(), 6);
    let told = daemon.order(&["rollback", "spread", "--to", &digests[2]]);
    assert_eq!(told, format!("generation 3 of plugin spread is in force again: {}\n", digests[2]));
    daemon.places(3);
    daemon.refused(&["rollback", "spread", "--to", &digests[1]], "none of the kept builds of plugin spread");
}

#[test]
fn back_and_forth() {
    let (mut daemon, digests) = built(3);
    assert_eq!(daemon.order(&["rollback", "spread"]), format!("generation 2 of plugin spread is in force again: {}\n", digests[1]));
    daemon.places(2);
    let plugin = daemon.kept_out("spread", "quarantine", "the operator went back to a former build; install another build");
    assert_eq!((&plugin["state"], plugin["digest"].as_str()), (&"kept".into(), Some(digests[1].as_str())));
    assert_eq!(generations(&plugin), [(3, false, true), (2, true, false), (1, false, false)]);
    assert_eq!(daemon.metric("verwalter_plugin_rollbacks_total{plugin=\"spread\"}"), 1.0);

    // It stays so over a restart.
    daemon.restart(|_| {});
    let plugin = daemon.kept_out("spread", "quarantine", "this build was set aside: the operator went back to a former build");
    assert_eq!((&plugin["state"], plugin["digest"].as_str()), (&"kept".into(), Some(digests[1].as_str())));
    daemon.rounds(2);
    daemon.places(2);

    daemon.order(&["rollback", "spread"]);
    daemon.places(1);
    daemon.refused(&["rollback", "spread"], "none of the kept builds of plugin spread fits: name one with `--to`; newest first: ");

    // Forth again: that is what the file holds, so nothing is wrong any more.
    daemon.order(&["rollback", "spread", "--to", &digests[2]["sha256:".len()..][..12]]);
    let plugin = daemon.activated("spread", &digests[2]);
    assert_eq!((&plugin["state"], &plugin["generation"]), (&"active".into(), &3.into()), "{plugin:#}");
    daemon.places(3);
    daemon.restart(|_| {});
    daemon.activated("spread", &digests[2]);
    assert_eq!(daemon.failed_rounds(), 0.0);
    daemon.node.stop();
}

#[test]
fn the_next_file_comes_into_force_after_a_rollback() {
    let (mut daemon, _) = built(2);
    daemon.order(&["rollback", "spread"]);
    daemon.places(1);
    let next = daemon.install("spread", &scheduler(5, &[]));
    let plugin = daemon.activated("spread", &next);
    assert_eq!((&plugin["state"], &plugin["generation"]), (&"active".into(), &3.into()));
    daemon.places(5);
    // The build that the operator went away from is not what the next rollback finds.
    daemon.order(&["rollback", "spread"]);
    daemon.places(1);
}

#[test]
fn a_file_that_was_refused_is_still_told_of_after_a_rollback() {
    let (mut daemon, digests) = built(2);
    let bad = daemon.install("spread", b"garbage");
    daemon.kept_out("spread", "inspect", "it is no WebAssembly");
    daemon.order(&["rollback", "spread"]);
    daemon.places(1);
    let plugin = daemon.kept_out("spread", "inspect", "it is no WebAssembly");
    assert_eq!((plugin["error"]["digest"].as_str(), plugin["digest"].as_str()), (Some(bad.as_str()), Some(digests[0].as_str())));
}

#[test]
fn nobody_goes_back_to_a_shadow_by_accident() {
    let mut daemon = Daemon::bare("", &[("spread", &scheduler(1, &[]), "kind: scheduler\nmode: shadow\n")]);
    daemon.plugin("spread", "it is in shadow", |plugin| plugin["state"] == "shadow");
    daemon.put("plugins/spread.yaml", SCHEDULER);
    daemon.plugin("spread", "it is in force", |plugin| plugin["state"] == "active");
    daemon.places(1);
    daemon.refused(&["rollback", "spread"], "none of the kept builds of plugin spread fits: name one with `--to`");
    assert_eq!(daemon.plugin("spread", "it stays", |_| true)["state"], "active");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut daemon = Daemon::start(&scheduler(1, &[]));
    daemon.refused(&["rollback", "spread"], "no other build of plugin spread is kept: there is nothing to go back to");
    daemon.refused(&["rollback", "nobody"], "there is no plugin `nobody`: /v1/plugins lists them");
    daemon.refused(&["rollback", "spread", "--to", "0123456789ab"], "no kept build of spread begins with 0123456789ab; there are ");
    daemon.refused(&["release", "spread"], "no build of plugin spread is set aside");
    daemon.put("plugins/other.yaml", "kind: scheduler\nmode: off\n");
    daemon.install("other", &scheduler(2, &[("never", Act::Trap)]));
    daemon.plugin("other", "it is listed", |plugin| plugin["state"] == "off");
    daemon.refused(&["rollback", "other"], "no build of plugin other is in force");
    daemon.places(1);

    // From another site's page, or without the type that such a page cannot send.
    let (path, json) = ("/v1/plugins/spread/rollback", "Content-Type: application/json");
    let mut check = |headers: &[&str], status: u16, code: &str| {
        let reply = daemon.post(path, headers);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{headers:?}");
    };
    check(&[json, "Origin: http://evil.example"], 403, "foreign-origin");
    check(&["Content-Type: text/plain"], 415, "json-only");
    check(&[], 415, "json-only");
    check(&[json], 400, "bad-order");
    assert_eq!(daemon.node.get(path).status, 405);

    let url = format!("http://{}", daemon.node.addr());
    daemon.node.stop();
    for order in ["rollback", "release", "allow"] {
        let ended = run_to_end(["plugin", order, "spread", "--node", &url]);
        assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{ended:#?}");
        assert!(ended.err.contains(&format!("no node answers at {url}: is it running?")), "{ended:#?}");
    }
}

#[test]
fn an_older_one_stands_in_for_what_is_lost() {
    let (mut daemon, digests) = built(2);
    daemon.restart(|site| {
        let kept = digests[1].trim_start_matches("sha256:");
        std::fs::remove_file(site.path(&format!("var/plugins/{kept}.wasm"))).expect("it is kept");
        site.write("etc/plugins/spread.wasm", "no plugin");
    });
    daemon.places(1);
    let plugin = daemon.kept_out("spread", "inspect", "it is no WebAssembly");
    assert_eq!((plugin["digest"].as_str(), &plugin["generation"]), (Some(digests[0].as_str()), &1.into()), "{plugin:#}");
    assert_eq!(generations(&plugin), [(2, false, false), (1, true, false)], "what is shown is what decides");
}
