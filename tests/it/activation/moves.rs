//! Dry runs that would move instances, over the three nodes of the sandbox's cluster. No scenario runs a daemon.

use std::sync::Arc;

use verwalter::round::circumstances::Circumstances;
use verwalter::round::rehearse::Stage;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::metrics::Columns;
use verwalter_core::names::Hostname;
use verwalter_core::ports::{Rehearsal, Rehearsed};
use verwalter_core::schedule::Schedule;

use super::daemon::SCHEDULER;
use crate::sandbox::guest::answering;
use crate::sandbox::world::{Sandbox, cluster, decide};

fn placing(place: &str) -> Vec<u8> {
    answering(format!("\0{{\"v\":1,\"schedule\":{{\"roles\":{{\"web\":{{\"place\":{place}}}}}}}}}").as_bytes())
}

#[test]
fn a_build_that_moves_more_than_its_manifest_allows() {
    let sandbox = Sandbox::new();
    let load = |place: &str, manifest: &str| sandbox.load(&placing(place), manifest).expect("a sound guest");
    let snapshot = cluster(Columns::new());
    let in_force = |place: &str| -> Schedule { decide(&load(place, SCHEDULER), &snapshot, &[]).expect("a sound answer").admitted.schedule };
    let leader = NodeId::from_bytes([1; 16]);
    let newest = Arc::new(Circumstances {
        now: UnixMillis(3_000),
        round: Round(7),
        term: Term { counter: 2, leader },
        hostname: Hostname::new("alpha").expect("a name"),
        id: leader,
        runtime: "{}".into(),
        actions: "{}".into(),
        // The recorded round followed another schedule than the one that it made.
        parents: vec![in_force(r#"{"gamma":9}"#)],
        snapshot: snapshot.clone(),
    });
    let columns = |_: &_| None;
    let stage = Stage { newest: Some(newest), in_force: Some(in_force(r#"{"alpha":4}"#)), runtime: "{}".into(), columns: &columns };
    let check = |place: &str, manifest: &str, allowed: bool, expect: &str| {
        let rehearsed = stage.scheduler(&load(place, manifest), allowed);
        let told = match rehearsed {
            Ok(Rehearsed::Well(note) | Rehearsed::Nothing(note)) => note,
            Err(failure) => format!("{}: {}", failure.cause, failure.message),
        };
        assert!(told.starts_with(expect), "expected: {expect}\n   found: {told}");
    };
    let moved = "guard: the schedule would move 3 of 4 instances, more than 50%; the schedule in force stays. If this is meant, allow it with \
                 `guards: { max-moved: 75% }` in the plugin's manifest, or once with `verwalter plugin allow guest`";
    let well =
        |started: u32, moved: u32| format!("on round 7 of term 2: {started} instances started, {started} stopped, {moved} of them moved");
    check(r#"{"alpha":1,"beta":3}"#, SCHEDULER, false, moved);
    check(r#"{"alpha":1,"beta":3}"#, SCHEDULER, true, &well(3, 3));
    check(r#"{"alpha":1,"beta":3}"#, "kind: scheduler\nguards: { max-moved: 75% }\n", false, &well(3, 3));
    check(r#"{"alpha":2,"beta":2}"#, SCHEDULER, false, &well(2, 2));
    let none = "guard: the schedule would move 1 of 4 instances, more than 0%";
    check(r#"{"alpha":3,"beta":1}"#, "kind: scheduler\nguards: { max-moved: 0 }\n", false, none);
}
