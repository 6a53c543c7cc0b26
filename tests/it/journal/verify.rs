//! `verwalter verify` on sound journals: which rounds are recorded, and that each gives the same bytes for the same fuel again.

use std::collections::BTreeMap;

use serde_json::Value;
use verwalter::journal::{Outcome, Verdict};
use verwalter_core::ports::FailureCause;

use super::{ALL, Turn, all_same, by_turns, put, reach, recorded, records, run_until, scheduler, site, under_load, verify};
use crate::support::{Site, run_to_end};

#[test]
fn a_hundred_rounds_of_the_demo_in_another_process() {
    let site = site(ALL);
    let mut node = site.demo(&["--rounds", "100", "--json"]);
    assert_eq!(node.end().code(), Some(0), "{}", node.transcript());
    let told: BTreeMap<u64, u64> =
        node.rounds().iter().map(|round| (round["round"].as_u64().unwrap(), round["fuel"].as_u64().unwrap())).collect();
    assert!(told.len() >= 100, "{told:?}");

    let (lines, summary) = verify(&site, &["--last", "100"], 0);
    assert_eq!(summary, "100 rounds: 100 calls gave the same bytes for the same fuel, 0 differ, 0 not compared\n");
    let newest = told.keys().max().unwrap();
    for (line, round) in lines.iter().zip((0..=*newest).rev()) {
        assert!(line.starts_with(&format!("round {round} of term 1: spread (")), "{round}: {line}");
        assert!(line.ends_with(&format!("): same bytes, same fuel ({})", told[&round])), "{round}: {line}");
    }
    assert_eq!(lines.len(), 100);

    // The same while other work has the processors, as objects.
    let (objects, _) = under_load(|| verify(&site, &["--last", "100", "--json"], 0));
    let objects: Vec<Value> = objects.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls = |object: &Value| (object["calls"].as_array().unwrap().len(), object["calls"][0]["verified"].clone());
    assert!(objects.iter().all(|object| calls(object) == (1, "same".into())), "{objects:#?}");
    let fuels: BTreeMap<u64, u64> =
        objects.iter().map(|object| (object["round"].as_u64().unwrap(), object["calls"][0]["fuel"].as_u64().unwrap())).collect();
    assert!(fuels.len() == 100 && fuels.iter().all(|(round, fuel)| told[round] == *fuel), "{fuels:?}");

    let (lines, summary) = verify(&site, &["--last", "1"], 0);
    assert_eq!((lines.len(), summary.starts_with("1 round: ")), (1, true), "{summary}");
    let (_, summary) = verify(&site, &["--last", "100000"], 0);
    assert!(summary.contains(" rounds, fewer than the 100000 asked for: "), "{summary}");
}

#[test]
fn beside_a_running_daemon() {
    let site = site(ALL);
    let mut node = site.demo(&["--json"]);
    for _ in 0..3 {
        let before = reach(&mut node, 3)["round"].as_u64();
        let count = all_same(&site);
        assert!(count > 0, "rounds until {before:?}, but for those that wait for the disk");
    }
    node.stop();
    let told = node.rounds().len();
    assert!(all_same(&site) >= told, "what was held before the end is recorded before it: {told}");
}

#[test]
fn by_default_what_changed_and_what_failed() {
    let site = site("");
    let turns = [
        ('2', Turn::Runs("unreachable")),
        ('3', Turn::Runs("unreachable")),
        ('5', Turn::Runs("(loop (br 0))")),
        ('6', Turn::Says(r#"{"v":1,"schedule":{"nodes":7}}"#)),
        ('7', Turn::Places(2)),
        ('8', Turn::Says(r#"{"v":1,"schedule":{}}"#)),
        ('9', Turn::Complains("no room for web")),
    ];
    put(&site, "spread", scheduler(&turns, &Turn::Places(1)), "kind: scheduler\nlimits: { fuel: 1M }\n");
    run_until(&site, 11);
    let words: Vec<(u64, String)> = records(&site)
        .into_iter()
        .map(|(_, record)| {
            let word = match record.about.outcome {
                Outcome::Accepted { changed, .. } => format!("changed {changed}"),
                Outcome::Denied { .. } => "denied".to_owned(),
                Outcome::Failed { cause, .. } => cause.unwrap().to_string(),
            };
            (record.about.round.0, word)
        })
        .collect();
    let expected = [
        (1, "changed true"),
        // Round 3 failed as round 2 did, round 4 decided what was in force.
        (2, "trap"),
        (5, "fuel"),
        (6, "refused"),
        (7, "changed true"),
        (8, "guard"),
        (9, "answered"),
        (10, "changed true"),
    ];
    assert_eq!(words, expected.map(|(round, word)| (round, word.to_owned())));
    assert_eq!(all_same(&site), 8);
    let (lines, _) = verify(&site, &[], 0);
    assert!(lines[5].starts_with("round 5 ") && lines[5].ends_with("same fuel (1000000)"), "to its last bit: {lines:#?}");
}

#[test]
fn the_settings_say_which() {
    let site = site("journal: { rounds: none }\n");
    run_until(&site, 2);
    let ended = recorded(&site, "verify", &[]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert!(ended.err.starts_with("verwalter: no round") && ended.err.lines().count() == 1, "{ended:#?}");
    // With the same storage directory, from now on.
    let text = site.read("etc/verwalter.yaml").unwrap().replace("none", "all");
    site.write("etc/verwalter.yaml", text);
    let told = run_until(&site, 4).rounds().len();
    assert!(all_same(&site) >= told);
}

#[test]
fn what_comes_at_another_instruction_each_time_is_not_compared() {
    let site = site("");
    let turns = [('2', Turn::Runs("(return (call $own (local.get $ptr) (local.get $len)))")), ('4', Turn::Runs("(loop (br 0))"))];
    let manifest = "kind: scheduler\nlimits: { fuel: 1000G, time: 50ms }\n";
    put(&site, "spread", scheduler(&turns, &Turn::Places(1)), manifest);
    run_until(&site, 5);
    let (lines, summary) = verify(&site, &[], 0);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, told) in lines.iter().zip(["host (time)", "host (stack)", "same bytes, same fuel ("]) {
        assert!(line.contains(told), "{told}: {lines:#?}");
    }
    assert_eq!(summary, "3 rounds: 1 calls gave the same bytes for the same fuel, 0 differ, 2 not compared\n");
    // Where nothing is left to compare, the answer is not that all is well.
    let (_, summary) = verify(&site, &["--last", "1"], 1);
    assert_eq!(summary, "1 round: 0 calls gave the same bytes for the same fuel, 0 differ, 1 not compared\n");
}

#[test]
fn policies_judge_again() {
    let site = site("");
    let turns = [('1', Turn::Places(1)), ('2', Turn::Places(2))];
    put(&site, "spread", scheduler(&turns, &Turn::Places(3)), "kind: scheduler\n");
    let warns = Turn::Says(r#"{"v":1,"verdict":"allow","warnings":["so late?"]}"#);
    put(&site, "first", by_turns("vw_review", &[], &warns), "kind: policy\norder: 1\n");
    let strict = [('2', Turn::Says(r#"{"v":1,"verdict":"deny","reasons":["two is one too many"]}"#)), ('3', Turn::Runs("unreachable"))];
    let strict = by_turns("vw_review", &strict, &Turn::Says(r#"{"v":1,"verdict":"allow"}"#));
    put(&site, "second", strict, "kind: policy\norder: 2\non-failure: allow\n");
    run_until(&site, 5);

    let recorded = records(&site);
    assert_eq!(recorded.iter().map(|(_, record)| record.about.round.0).collect::<Vec<_>>(), [1, 2, 3]);
    let verdicts = |index: usize| recorded[index].1.about.policies.iter().map(|review| &review.verdict).collect::<Vec<_>>();
    let warned = Verdict::Allowed { warnings: vec!["so late?".to_owned()] };
    assert_eq!(verdicts(0), [&warned, &Verdict::Allowed { warnings: vec![] }]);
    assert_eq!(verdicts(1), [&warned, &Verdict::Denied { reasons: vec!["two is one too many".to_owned()], warnings: vec![] }]);
    assert_eq!(verdicts(2)[0], &warned);
    assert!(matches!(verdicts(2)[1], Verdict::Failed { cause: FailureCause::Trap, allows: true, .. }), "{:?}", verdicts(2));
    let Outcome::Denied { by, .. } = &recorded[1].1.about.outcome else { panic!("{:?}", recorded[1].1.about) };
    assert_eq!(by, "second");
    assert_eq!(all_same(&site), 9);
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let site = Site::prepared();
    let var = site.path("var").display().to_string();
    let fails = |args: &[&str], status: i32, told: &str| {
        let ended = run_to_end(args);
        assert_eq!((ended.status, ended.out.as_str()), (Some(status), ""), "{args:?}: {ended:#?}");
        assert!(ended.err.contains(told), "{args:?}: {told}: {ended:#?}");
    };
    let none = "no rounds are recorded below ";
    fails(&["verify", "--storage-dir", &var], 1, none);
    fails(&["verify", "--storage-dir", &var], 1, "name the daemon's storage directory with --storage-dir (a demo's is DIR/var)");
    fails(&["replay", "7", "--storage-dir", &var], 1, none);
    site.write("var/journal/README", "no segment");
    fails(&["verify", "--storage-dir", &var], 1, "no round is recorded yet below ");
    fails(&["replay", "7", "--storage-dir", &var], 1, "round 7 is not in the journal: only rounds that changed something or failed are");
    fails(&["replay", "3/7", "--storage-dir", &var], 1, "round 7 of term 3 is not in the journal");
    fails(&["verify", "--last", "0", "--storage-dir", &var], 2, "0 is not in 1..");
    fails(&["verify", "--last", "few"], 2, "invalid digit");
    fails(&["replay"], 2, "<ROUND>");
    fails(&["replay", "last"], 2, "write a round's number, or TERM/NUMBER");
    fails(&["replay", "1/"], 2, "write a round's number, or TERM/NUMBER");
    fails(&["replay", "1", "--manifest", "x.yaml"], 2, "--plugin <FILE>");
}

#[test]
fn help_says_what_they_are_for() {
    for (command, told) in [
        (
            "verify",
            ["Decide recorded rounds again and see that the same bytes come of it for the same fuel", "--last <N>", "--plugins-dir <DIR>"],
        ),
        ("replay", ["Show what a recorded round changed, or what another build would have placed in it", "<ROUND>", "--plugin <FILE>"]),
    ] {
        let ended = run_to_end([command, "--help"]);
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        assert!(told.iter().all(|told| ended.out.contains(told)), "{}", ended.out);
    }
}
