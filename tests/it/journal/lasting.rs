//! A journal outlives kills and full disks: what was written stays readable, numbers grow, rounds go on meanwhile.

use rustix::process::Signal;

use super::{ALL, Turn, all_same, put, reach, records, scheduler, site};
use crate::faults::disk::SmallDisk;
use crate::support::eventually;

/// As `replay` and `verify` see it: how many instances the newest recorded round left.
fn newest_instances(site: &crate::support::Site) -> u64 {
    let (_, record) = records(site).pop().unwrap();
    verwalter::journal::verify::decided(&record).unwrap().totals().instances
}

#[test]
fn killed_in_the_middle_of_rounds() {
    let site = site(ALL);
    let mut told = 0;
    for life in 1..=5 {
        let mut node = site.demo(&["--json"]);
        let last = reach(&mut node, 2 + life);
        assert_eq!(last["term"], life);
        node.signal(Signal::KILL);
        assert!(!node.end().success());
        told += node.rounds().len();
        assert!(!node.err.iter().any(|line| line.contains("is left as it is")), "{}", node.transcript());
    }
    let records = records(&site);
    assert_eq!(all_same(&site), records.len());
    // At each kill some may have waited for the disk.
    assert!(records.len() >= 5, "{} of {told}", records.len());
    let mut before = (0, 0, 0);
    for (sequence, record) in &records {
        let next = (*sequence, record.about.term.counter, record.about.round.0);
        assert!(next.0 == before.0 + 1 && (next.1, next.2) > (before.1, before.2), "{before:?} {next:?}");
        before = next;
    }
    assert_eq!(before.1, 5, "the last life is recorded too");
}

#[test]
fn a_full_disk_stops_no_round_and_loses_not_the_newest_change() {
    let site = site("");
    let turns = [('1', Turn::Places(1)), ('2', Turn::Places(2)), ('3', Turn::Places(3))];
    put(&site, "spread", scheduler(&turns, &Turn::Places(4)), "kind: scheduler\n");
    let Some(disk) = SmallDisk::mount(site.path("var/journal")) else { return };
    disk.fill();
    let mut node = site.run(&[]);
    let error = node.error("journal");
    assert!(error.contains("var/journal/") && error.contains("No space left on device"), "{error}");
    // In rounds 10 to 39 the schedule changes again: each is lost to the next, and the error stays.
    node.status("rounds go on", |status| {
        let error = &status["errors"]["journal"];
        assert!(status["round"].is_null() || status["round"]["accepted"] == true, "{status:#}");
        (status["round"]["round"].as_u64() >= Some(12) && !error.is_null()).then_some(())
    });
    disk.empty();
    // Nothing changes any more for some rounds; what waited is written all the same.
    node.status("it heals by itself", |status| status["errors"]["journal"].is_null().then_some(()));
    node.stop();
    let rounds: Vec<u64> = records(&site).iter().map(|(_, record)| record.about.round.0).collect();
    assert!(rounds[0] == 10, "the newest change of those meanwhile: {rounds:?}");
    all_same(&site);
}

#[test]
fn a_disk_that_fills_up_while_all_rounds_are_recorded() {
    let site = site(ALL);
    let Some(disk) = SmallDisk::mount(site.path("var/journal")) else { return };
    let mut node = site.run(&[]);
    // Sixty-four kibibytes are full soon.
    let error = node.error("journal");
    assert!(error.contains("No space left on device"), "{error}");
    let round = node.get("/v1/status").json()["round"]["round"].as_u64().unwrap();
    node.status("rounds go on", |status| {
        (status["round"]["round"].as_u64() > Some(round + 3) && status["round"]["accepted"] == true).then_some(())
    });
    let before = all_same(&site);
    disk.remount("size=1m");
    node.status("it heals", |status| status["errors"]["journal"].is_null().then_some(()));
    eventually("rounds are recorded again", || (records(&site).len() > before + 2).then_some(()));
    node.stop();
    all_same(&site);
}

#[test]
fn a_journal_that_cannot_be_opened_is_an_error_until_it_can() {
    let site = site(ALL);
    site.write("var/journal", "in the way");
    let mut node = site.run(&[]);
    let error = node.error("journal");
    assert!(error.contains("var/journal cannot be "), "{error}");
    node.status("rounds go on", |status| (status["round"]["accepted"] == true).then_some(()));
    std::fs::remove_file(site.path("var/journal")).unwrap();
    node.status("it heals", |status| status["errors"]["journal"].is_null().then_some(()));
    eventually("rounds are recorded", || (records(&site).len() > 1).then_some(()));
    assert!(newest_instances(&site) > 0);
    node.stop();
    all_same(&site);
}
