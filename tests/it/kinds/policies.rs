//! Policies: what they are told, that one denial keeps the schedule in force and says why, and what a failing one counts as.

use serde_json::{Value, json};

use super::{add, core, in_force, instances, placing, replace, says, site, start};
use crate::sandbox::guest::{SCHEDULER_COMPONENT, data, translate};
use crate::support::{Node, Site};

const POLICY: &str = "kind: policy\n";
const ALLOW: &str = r#"{"v":1,"verdict":"allow"}"#;

/// A policy that always gives this verdict.
fn policy(verdict: &str) -> Vec<u8> {
    reviewing(0, verdict)
}

fn reviewing(first: u8, answer: &str) -> Vec<u8> {
    let (items, body) = says(1024, first, answer);
    core("", &items, &[("vw_review", &body)])
}

fn denying(reason: &str) -> Vec<u8> {
    policy(&json!({ "v": 1, "verdict": "deny", "reasons": [reason] }).to_string())
}

/// A policy that writes its input to its log and allows, unless the input contains `needle`: then it runs `otherwise`.
fn minding(needle: &str, otherwise: &str) -> Vec<u8> {
    let (items, allow) = says(1024, 0, ALLOW);
    let items = format!(
        "{items} {} (func $has (param $at i32) (param $end i32) (result i32)
            (local $i i32)
            (local.set $end (i32.sub (local.get $end) (i32.const {len})))
            (block $none
              (loop $next
                (br_if $none (i32.gt_u (local.get $at) (local.get $end)))
                (local.set $i (i32.const 0))
                (block $differs
                  (loop $same
                    (br_if $differs (i32.ne (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                                            (i32.load8_u offset=2048 (local.get $i))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $same (i32.lt_u (local.get $i) (i32.const {len}))))
                  (return (i32.const 1)))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $next)))
            (i32.const 0))",
        data(2048, needle.as_bytes()),
        len = needle.len(),
    );
    let body = format!(
        "(call $log (i32.const 2) (local.get $ptr) (local.get $len))
         (if (call $has (local.get $ptr) (i32.add (local.get $ptr) (local.get $len))) (then {otherwise}))
         {allow}"
    );
    core(LOG, &items, &[("vw_review", &body)])
}

const LOG: &str = r#"(import "verwalter" "log" (func $log (param i32 i32 i32)))"#;
/// Of a schedule with two instances on the own node.
const TWO: &str = r#""instances":2"#;

/// The words of a round's policies: name, verdict, reasons.
fn words(round: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let reviews = round["reviews"].as_array().unwrap_or_else(|| panic!("no reviews: {round:#}"));
    let reasons = |review: &Value| review["reasons"].as_array().expect("a list").iter().map(text).collect();
    reviews.iter().map(|review| (text(&review["plugin"]), text(&review["verdict"]), reasons(review))).collect()
}

fn word(name: &str, verdict: &str, reasons: &[&str]) -> (String, String, Vec<String>) {
    (name.to_owned(), verdict.to_owned(), reasons.iter().map(|&reason| reason.to_owned()).collect())
}

/// Asks for two instances where one runs, and waits until policies have answered that.
fn propose(site: &Site, node: &mut Node) -> Value {
    site.write("etc/plugins/place.wasm", placing(2));
    node.round("a round with reviews", |round| round["reviews"].as_array().is_some_and(|reviews| !reviews.is_empty()))
}

#[test]
fn one_denial_keeps_the_schedule_and_all_are_asked() {
    let site = site(1);
    let mut node = start(&site);
    let before = node.get("/v1/schedule").json()["hash"].clone();
    add(&site, &mut node, "alike", "kind: policy\norder: 5\n", denying("second"));
    add(&site, &mut node, "zeal", "kind: policy\norder: -3\n", denying("first"));
    add(&site, &mut node, "bland", "kind: policy\norder: 5\n", policy(ALLOW));
    add(&site, &mut node, "middle", POLICY, policy(r#"{"v":1,"verdict":"allow","reasons":["why not"],"log":"a word"}"#));
    let denied = propose(&site, &mut node);
    assert_eq!((&denied["accepted"], &denied["denied"]), (&json!(false), &json!(true)), "{denied:#}");
    assert_ne!(denied["proposed"], before);
    let expect = [
        word("zeal", "deny", &["first"]),
        word("middle", "allow", &["why not"]),
        word("alike", "deny", &["second"]),
        word("bland", "allow", &[]),
    ];
    assert_eq!(words(&denied), expect);
    assert_eq!(denied["reviews"][1]["log"], "a word");
    let told = "policy zeal denies: first; policy alike denies: second";
    assert_eq!(denied["error"], told);
    assert_eq!(node.error("policy"), told);
    // It is asked again each round, and said once.
    for _ in 0..3 {
        node.round("denied again", |round| round["denied"] == true);
    }
    let said = node.err.iter().filter(|line| line.contains("a schedule was denied")).count();
    assert_eq!(said, 1, "{}", node.transcript());
    assert_eq!(node.get("/v1/schedule").json()["hash"], before);
    assert_eq!(site.read("out/web").as_deref(), Some("web x1 on alpha\n"));

    for name in ["zeal", "alike"] {
        replace(&site, &mut node, name, policy(ALLOW));
    }
    let accepted = node.round("it comes into force", |round| round["changed"] == true);
    assert_eq!((words(&accepted).len(), &accepted["schedule"]), (4, &denied["proposed"]), "{accepted:#}");
    node.healthy();
    node.eventually("it is rendered", |_| (site.read("out/web").as_deref() == Some("web x2 on alpha\n")).then_some(()));
    node.stop();
}

#[test]
fn warnings_come_with_an_accepted_schedule() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "careful", POLICY, policy(r#"{"v":1,"verdict":"allow","warnings":["tight","late"]}"#));
    let round = propose(&site, &mut node);
    assert_eq!((&round["accepted"], &round["changed"]), (&json!(true), &json!(true)), "{round:#}");
    assert_eq!(round["warnings"], json!(["policy careful: tight", "policy careful: late"]));
    let next = node.round("the next", |round| round["accepted"] == true);
    // Nobody is asked about what is in force.
    assert_eq!((&next["changed"], &next["reviews"]), (&json!(false), &json!([])), "{next:#}");
    let calls = |node: &mut Node| node.get("/v1/plugins/careful").json()["metrics"]["calls"].clone();
    let so_far = calls(&mut node);
    for _ in 0..3 {
        node.round("another", |round| round["accepted"] == true);
    }
    assert_eq!((calls(&mut node), so_far.is_u64()), (so_far, true));
    let logged = node.err.iter().filter(|line| line.contains("policy careful: tight")).count();
    assert_eq!(logged, 1, "{}", node.transcript());
    node.stop();
}

#[test]
fn what_they_are_told() {
    let site = site(1);
    let mut node = start(&site);
    site.write("etc/runtime/web.yaml", "owner: somebody\n");
    let manifest = "kind: policy\nconfig: { limit: 7 }\nlimits: { log: 1MiB }\nmetrics: { cpus: { metric: cpu.count } }\n";
    add(&site, &mut node, "reads", manifest, minding("never there", "unreachable"));
    let round = propose(&site, &mut node);
    let log = round["reviews"][0]["log"].as_str().expect("a text");
    let told: Value = serde_json::from_str(log.strip_prefix("info: ").expect("its level")).unwrap_or_else(|err| panic!("{err}: {log}"));
    assert_eq!((&told["v"], &told["round"], &told["now"]), (&json!(1), &round["round"], &round["at"]));
    assert_eq!((&told["config"], &told["current_host"]), (&json!({ "limit": 7 }), &json!("alpha")));
    assert_eq!(told["previous"]["nodes"]["alpha"]["roles"]["web"], json!({ "instances": 1 }), "{told:#}");
    assert_eq!(told["schedule"]["nodes"]["alpha"]["roles"]["web"], json!({ "instances": 2 }), "{told:#}");
    assert_eq!(told["diff"], json!({ "added": { "web": { "alpha": 1 } }, "removed": {}, "moved": {}, "changed": {} }));
    assert_eq!(told["runtime"]["web"]["owner"], "somebody");
    assert_eq!(told["peers"]["alpha"]["hostname"], "alpha");
    assert_eq!(told["metrics"]["cpus"].as_array().map(Vec::len), Some(1), "{}", told["metrics"]);
    assert!(told.get("parents").is_none() && told.get("actions").is_none(), "{told:#}");
    node.stop();
}

#[test]
fn columns_show_what_stands_before() {
    // Allows only where `placed.web` of the own node, the first of one, is 1.0 and no document has peers; denies where there is
    // no such column, as in a dry run, which has no schedule before.
    let (items, allow) = says(1024, 0, ALLOW);
    let (more, deny) = says(1536, 0, r#"{"v":1,"verdict":"deny","reasons":["no column"]}"#);
    let items = format!("{items} {more} {}", data(2048, b"placed.web"));
    let body = format!(
        "(if (result i64) (i32.ne (call $column (i32.const 2048) (i32.const 10) (i32.const 4096) (i32.const 8)) (i32.const 1))
           (then {deny})
           (else (if (f64.ne (f64.load (i32.const 4096)) (f64.const 1)) (then unreachable)) {allow}))"
    );
    let column = r#"(import "verwalter" "column" (func $column (param i32 i32 i32 i32) (result i32)))"#;
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "placed", "kind: policy\ninput: columns\n", core(column, &items, &[("vw_review", &body)]));
    let round = propose(&site, &mut node);
    assert_eq!((words(&round), &round["changed"]), (vec![word("placed", "allow", &[])], &json!(true)), "{round:#}");
    node.stop();
}

/// Allows what stands, so that it is activated; what it does with two instances counts as `on_failure` says.
fn fails(otherwise: &str, limits: &str, cause: &str, told: &str) {
    for on_failure in ["", "on-failure: deny\n", "on-failure: allow\n"] {
        let site = site(1);
        let mut node = start(&site);
        add(&site, &mut node, "frail", &format!("kind: policy\n{limits}{on_failure}"), minding(TWO, otherwise));
        let round = propose(&site, &mut node);
        let (name, verdict, reasons) = words(&round).remove(0);
        assert_eq!((name.as_str(), verdict.as_str(), reasons.len()), ("frail", "failed", 1), "{round:#}");
        assert!(reasons[0].contains(told), "{told}: {}", reasons[0]);
        if on_failure == "on-failure: allow\n" {
            assert_eq!((&round["changed"], instances(&mut node)), (&json!(true), json!(2)), "{round:#}");
            let warning = round["warnings"][0].as_str().expect("a text");
            assert!(warning.starts_with("policy frail failed and its `on-failure: allow` let the schedule pass: "), "{warning}");
            node.healthy();
        } else {
            let error = node.error("policy");
            let head = format!("policy frail failed ({cause}), which counts as a denial unless its manifest says `on-failure: allow`: ");
            assert!(error.starts_with(&head) && error.contains(told), "{error}");
            assert_eq!((&round["denied"], instances(&mut node)), (&json!(true), json!(1)), "{round:#}");
        }
        node.stop();
    }
}

/// Returns this from the guest instead of its verdict.
fn answers(first: u8, text: &str) -> String {
    // Written byte by byte: the guest's data are made before.
    let bytes = [&[first], text.as_bytes()].concat();
    let stores: String =
        bytes.iter().enumerate().map(|(at, byte)| format!("(i32.store8 (i32.const {}) (i32.const {byte}))", 8192 + at)).collect();
    format!("{stores} (return {})", crate::sandbox::guest::packed(8192, u32::try_from(bytes.len()).expect("it is short")))
}

#[test]
fn one_that_traps() {
    fails("unreachable", "", "trap", "unreachable");
}

#[test]
fn one_that_loops() {
    fails("(loop $l (br $l))", "limits: { fuel: 10M }\n", "fuel", "raise it with `limits: { fuel: 20M }` in the plugin's manifest");
}

#[test]
fn one_that_answers_an_error() {
    fails(&answers(1, "out of ideas"), "", "answered", "answered an error: out of ideas");
}

#[test]
fn one_whose_verdict_is_none() {
    fails(&answers(0, "certainly!"), "", "refused", "the verdict was refused: ");
}

#[test]
fn verdicts_are_read_strictly() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "frail", POLICY, policy(ALLOW));
    let mut check = |verdict: &str, told: &str| {
        replace(&site, &mut node, "frail", minding(TWO, &answers(0, verdict)));
        let round = propose(&site, &mut node);
        assert_eq!(words(&round)[0].1, "failed", "{round:#}");
        assert!(words(&round)[0].2[0].contains(told), "{told}: {round:#}");
        assert_eq!(instances(&mut node), 1);
        replace(&site, &mut node, "place", placing(1));
        node.round("what stands is decided again", |round| round["accepted"] == true);
    };
    check(r#"{"v":1,"verdict":"deny"}"#, "`reasons`: a verdict that denies must say why: give at least one reason");
    check(r#"{"v":1,"verdict":"allow","reason":[]}"#, "the verdict was refused at `reason`: ");
    check(r#"{"v":1,"verdict":"allow","warnings":["a",7]}"#, "the verdict was refused at `warnings.1`: ");
    check(r#"{"v":1,"verdict":"maybe"}"#, r#"must be "allow" or "deny""#);
    check(r#"{"v":2,"verdict":"allow"}"#, "the verdict was refused at `v`: ");
    node.stop();
}

#[test]
fn one_that_reviewed_well_is_never_set_aside() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "frail", POLICY, minding(TWO, "unreachable"));
    propose(&site, &mut node);
    // More than it takes to be set aside: the gate would open for the very schedule that it could not judge.
    for _ in 0..8 {
        node.round("denied again", |round| round["denied"] == true);
    }
    assert_eq!(node.get("/v1/plugins/frail").json()["state"], "active");
    assert_eq!(instances(&mut node), 1);
    assert!(node.err.iter().any(|line| line.contains("a build fails round after round and stays in force")), "{}", node.transcript());
    node.stop();
}

#[test]
fn a_broken_newcomer_harms_nothing() {
    let site = site(1);
    let mut node = start(&site);
    let broken = core("", "", &[("vw_review", "unreachable")]);
    site.write("etc/plugins/stranger.yaml", POLICY);
    site.write("etc/plugins/stranger.wasm", broken);
    let error = node.error("plugin stranger");
    assert!(error.starts_with("dry-run: on the newest recorded input it failed (trap): "), "{error}");
    in_force(&mut node, "stranger", |plugin| plugin["state"] == "failed");
    site.write("etc/plugins/place.wasm", placing(2));
    let round = node.round("a new schedule", |round| round["changed"] == true);
    assert_eq!(round["reviews"], json!([]));
    assert_eq!(node.get("/v1/status").json()["num_errors"], 1);
    node.stop();
}

#[test]
fn a_component_reviews_too() {
    let verdict = r#"{"v":1,"verdict":"deny","reasons":["by interface"]}"#;
    let result = |at: u32, text: &str| {
        let len = u32::try_from(text.len()).expect("it is short");
        [&0_u32.to_le_bytes(), &(at + 12).to_le_bytes(), &len.to_le_bytes(), text.as_bytes()].concat()
    };
    let text = SCHEDULER_COMPONENT
        .replace("(;IMPORTS;)", "")
        .replace("(;ITEMS;)", &data(16384, &result(16384, verdict)))
        .replace("(;BODY;)", "(i32.const 16384)")
        .replace("(instance $scheduling (export \"schedule\"", "(instance $scheduling (export \"review\"")
        .replace("verwalter:plugin/scheduling@1.0.0", "verwalter:plugin/reviewing@1.0.0");
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "modern", POLICY, translate(&text));
    let round = propose(&site, &mut node);
    assert_eq!((words(&round), &round["denied"]), (vec![word("modern", "deny", &["by interface"])], &json!(true)), "{round:#}");
    assert_eq!(node.error("policy"), "policy modern denies: by interface");
    node.stop();
}

/// What a plugin says can neither steer a terminal nor pass for a line of the host's own.
#[test]
fn words_are_shown_as_what_they_are() {
    const ESCAPE: char = '\u{1b}';
    let forged = "2026-01-01T00:00:00Z  WARN forged";
    let words = format!("{ESCAPE}[33mno\n{forged}\u{202e}");
    let shown = format!("\\u{{1b}}[33mno\\n{forged}\\u{{202e}}");
    for said in [json!({"v": 1, "verdict": "deny", "reasons": [words]}), json!({"v": 1, "verdict": "allow", "warnings": [words]})] {
        let site = site(1);
        site.write("etc/plugins/gate.yaml", POLICY);
        site.write("etc/plugins/gate.wasm", policy(&said.to_string()));
        let mut node = site.demo(&[]);
        let has = |lines: &[String]| lines.iter().any(|line| line.contains(&shown));
        node.eventually("the words, in a line of the round", |node| has(&node.out).then_some(()));
        node.eventually("the words, in a line of the log", |node| has(&node.err).then_some(()));
        let lines = node.out.iter().chain(&node.err);
        let wrong: Vec<_> = lines.filter(|line| line.contains([ESCAPE, '\u{202e}']) || line.starts_with(forged)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        node.stop();
    }
}

/// A bad name hides no plugin: those that were taken out are gone, whatever else lies there.
#[test]
fn a_file_with_an_odd_name_keeps_no_plugin_in_force() {
    let site = site(1);
    let mut node = start(&site);
    add(&site, &mut node, "gate", POLICY, denying("never"));
    std::fs::copy(site.path("etc/plugins/gate.wasm"), site.path("etc/plugins/Old copy.wasm")).expect("copied");
    std::fs::create_dir(site.path("etc/plugins/dd.wasm")).expect("made");
    std::os::unix::fs::symlink("/nowhere", site.path("etc/plugins/gone.wasm")).expect("linked");
    for file in ["etc/plugins/gate.yaml", "etc/plugins/gate.wasm"] {
        std::fs::remove_file(site.path(file)).expect("removed");
    }
    node.eventually("the policy is gone", |node| (node.get("/v1/plugins/gate").status == 404).then_some(()));
    node.stop();
}
