//! Answers that are accepted and answers that are refused, each with its reason.

use super::*;
use crate::peers::tests::peer;

const LIMITS: JsonLimits = JsonLimits { depth: 16, values: 200 };

fn run(output: &str) -> Result<Admitted, AdmitError> {
    let (peers, _) = PeerTable::new(vec![peer("alpha", 1), peer("beta", 2), peer("gamma", 3)]);
    admit(&RawOutput(output.as_bytes().to_vec()), &peers, LIMITS)
}

/// The schedule of a sound answer that knows the nodes alpha to gamma.
pub(crate) fn schedule(schedule: &str) -> Schedule {
    run(&format!(r#"{{"v":1,"schedule":{schedule}}}"#)).expect("a sound answer").schedule
}

/// `schedule` inside an answer: its canonical form, or why it was refused.
fn check(schedule: &str, expect: &str) {
    check_answer(&format!(r#"{{"v":1,"schedule":{schedule}}}"#), expect);
}

fn check_answer(answer: &str, expect: &str) {
    let got = match run(answer) {
        Ok(admitted) => admitted.schedule.canonical().to_string(),
        Err(err) => unplaced(&err.to_string()),
    };
    assert_eq!(got, expect, "{answer}");
}

/// The message without the column, which says little in one long line.
fn unplaced(message: &str) -> String {
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

#[test]
fn both_notations_have_one_canonical_form() {
    let canonical = r#"{"nodes":{"alpha":{"roles":{"db":{"instances":1},"web":{"instances":2}}},"beta":{"roles":{"web":{"port":80}}}},"roles":{"db":{},"web":{"v":1}}}"#;
    check(r#"{"roles":{"web":{"v":1,"place":{"beta":{"port":80},"alpha":2}},"db":{"place":{"alpha":1}}}}"#, canonical);
    check(
        r#"{"nodes":{"beta":{"roles":{"web":{"port":80}}},"alpha":{"roles":{"web":{"instances":2},"db":{"instances":1.0}}},"gamma":{}},"roles":{"web":{"v":1.0}}}"#,
        canonical,
    );
    check(
        r#"{"nodes":{"beta":{"roles":{"web":{"port":80}}}},"roles":{"web":{"v":1,"place":{"alpha":2}},"db":{"place":{"alpha":1}}}}"#,
        canonical,
    );
    check(canonical, canonical);
}

#[test]
fn a_node_that_does_not_answer_may_keep_what_it_has() {
    let (known, _) = PeerTable::new(vec![peer("beta", 2), peer("delta", 4)]);
    let absent = ["alpha", "gamma", "omega"].map(|name| std::sync::Arc::new(crate::peers::Peer { alive: false, ..peer(name, 9) }));
    let known = known.clone().with_absent(&known, absent.to_vec());
    let admit = |schedule: &str| {
        let output = RawOutput(format!(r#"{{"v":1,"schedule":{schedule}}}"#).into_bytes());
        admit(&output, &known, LIMITS).map(|admitted| admitted.schedule.canonical().to_owned())
    };
    // In order of hostname among the others, whatever the order of the answer.
    let expect = r#"{"nodes":{"alpha":{"roles":{"web":{"instances":3}}},"beta":{"roles":{"db":{"instances":1},"web":{"instances":1}}},"delta":{"roles":{"web":{"instances":2}}},"gamma":{"roles":{},"vars":{"x":1}},"omega":{"roles":{"web":{"instances":4}}}},"roles":{"db":{},"web":{}}}"#;
    let answer = r#"{"roles":{"web":{"place":{"omega":4,"delta":2,"alpha":3,"beta":1}},"db":{"place":{"beta":1}}},"nodes":{"gamma":{"vars":{"x":1}}}}"#;
    assert_eq!(admit(answer).expect("a sound answer"), expect);
    assert_eq!(admit(expect).expect("its own form"), expect);
    let twice = r#"{"nodes":{"gamma":{"roles":{"web":{"instances":1}}}},"roles":{"web":{"place":{"gamma":2}}}}"#;
    assert!(admit(twice).expect_err("refused").to_string().contains("role `web` is placed twice on node `gamma`"));
    let unknown = admit(r#"{"roles":{"web":{"place":{"alphb":1}}}}"#).expect_err("refused").to_string();
    assert!(unknown.contains("no such node"), "{unknown}");
}

#[test]
fn empty_schedules() {
    check("{}", r#"{"nodes":{},"roles":{}}"#);
    check(r#"{"vars":{},"roles":{},"nodes":{"alpha":{"vars":{},"roles":{}}}}"#, r#"{"nodes":{},"roles":{}}"#);
}

#[test]
fn variables_and_free_keys_are_kept() {
    check(
        r#"{"vars":{"b":1,"a":null},"zeta":[1],"state":{"web":{}},"nodes":{"beta":{"shortinfo":[],"vars":{"x":"y"}}}}"#,
        r#"{"nodes":{"beta":{"roles":{},"shortinfo":[],"vars":{"x":"y"}}},"roles":{},"state":{"web":{}},"vars":{"a":null,"b":1},"zeta":[1]}"#,
    );
    let admitted = run(r#"{"v":1,"schedule":{"zeta":1,"state":{}}}"#).expect("accepted");
    assert_eq!(admitted.warnings, ["the schedule's key `zeta` is not known to this version; it is carried along"]);
}

#[test]
fn what_is_told_of_an_answer_does_not_grow_with_it() {
    let long = "k".repeat(100_000);
    let keys: Vec<String> = (0..100).map(|n| format!(r#""{long}{n}":1"#)).collect();
    let admitted = run(&format!(r#"{{"v":1,"why":"{long}","schedule":{{{}}}}}"#, keys.join(","))).expect("accepted");
    assert_eq!(admitted.warnings.len(), 11);
    assert_eq!(admitted.warnings[10], "90 more keys of the schedule are not known to this version; they are carried along");
    assert!(admitted.warnings.iter().all(|line| line.len() < 200), "{:?}", admitted.warnings);
    let refusals = [
        admitted.why.read().expect_err("a text").to_string(),
        run(&format!(r#"{{"v":1,"schedule":"{long}"}}"#)).expect_err("a text").to_string(),
        run(&format!(r#"{{"v":1,"schedule":{{"roles":{{"{long}":{{}}}}}}}}"#)).expect_err("no name").to_string(),
        run(&format!(r#"{{"v":1,"{long}":1}}"#)).expect_err("no key").to_string(),
    ];
    for refusal in refusals {
        assert!(refusal.len() < 1_000, "{} bytes", refusal.len());
    }
}

#[test]
fn refused_schedules() {
    let at =
        |what: &str| format!("the answer was refused{} {what}", if what.starts_with('`') && what.contains("`: ") { " at" } else { ":" });
    check(
        r#"{"roles":{"web":{"place":{"delta":1}}}}"#,
        &at("`schedule.roles.web.place.delta`: no such node: place roles on the hostnames of the input only"),
    );
    check(
        r#"{"nodes":{"delta":{"roles":{}}}}"#,
        &at("`schedule.nodes.delta`: no such node: place roles on the hostnames of the input only"),
    );
    check(r#"{"roles":{"../x":{}}}"#, &at("`schedule.roles.../x`: role name `../x` must begin with a lower-case letter or a digit"));
    check(
        r#"{"roles":{"web":{"place":{"alpha":0}}}}"#,
        &at("`schedule.roles.web.place.alpha`: instances must be from 1 to 1000000; leave out a node that has none"),
    );
    check(
        r#"{"nodes":{"alpha":{"roles":{"web":{"instances":"2"}}}}}"#,
        &at("`schedule.nodes.alpha.roles.web.instances`: must be a whole number from 0 to 1000000"),
    );
    check(
        r#"{"nodes":{"alpha":{"roles":{"web":3}}}}"#,
        &at("`schedule.nodes.alpha.roles.web`: invalid type: integer `3`, expected an object of variables"),
    );
    check(r#"{"roles":{"web":{"place":{"alpha":1,"beta":1,"alpha":2}}}}"#, &at("`schedule`: role `web` is placed twice on node `alpha`"));
    check(
        r#"{"nodes":{"alpha":{"roles":{"web":{}}}},"roles":{"web":{"place":{"alpha":1}}}}"#,
        &at("`schedule`: role `web` is placed twice on node `alpha`"),
    );
    check(r#"{"roles":{"web":{"place":{},"place":{}}}}"#, &at("`schedule.roles.web.place`: the key stands twice in one object"));
    check(r#"{"roles":{},"roles":{}}"#, &at("`schedule.roles`: the key stands twice in one object"));
    check(r#"{"roles":{"web":{},"web":{}}}"#, &at("`schedule.roles.web`: the key stands twice in one object"));
    check(
        r#"{"roles":{"web":{"n":9007199254740993}}}"#,
        &at("`schedule.roles.web.n`: an integer beyond ±2^53 does not survive JSON; send it as a string"),
    );
    check("[]", &at("`schedule`: invalid type: sequence, expected a schedule: an object with `roles` and `nodes`"));
    check("null", &at("`schedule`: invalid type: null, expected a schedule: an object with `roles` and `nodes`"));
}

#[test]
fn refused_envelopes() {
    let at =
        |what: &str| format!("the answer was refused{} {what}", if what.starts_with('`') && what.contains("`: ") { " at" } else { ":" });
    check_answer("", &at("EOF while parsing a value"));
    check_answer("true", &at("invalid type: boolean `true`, expected an answer: an object with `v` and `schedule`"));
    check_answer(r#"{"schedule":{}}"#, &at("`v` is missing: write \"v\": 1"));
    check_answer(r#"{"v":1}"#, &at("`schedule` is missing"));
    check_answer(r#"{"v":2,"schedule":{}}"#, &at("`v`: version 2 is not spoken here; write 1"));
    check_answer(
        r#"{"v":1,"schedule":{},"placements":1}"#,
        &at("`placements`: not a key of an answer; it may hold `v`, `schedule`, `actions`, `why`, `changes` and `log`"),
    );
    check_answer(r#"{"v":1,"schedule":{},"changes":[1]}"#, &at("`changes`: invalid type: integer `1`, expected a string"));
    check_answer(r#"{"v":1,"schedule":{}} x"#, &at("trailing characters"));
    assert_eq!(admit(&RawOutput(b"{\"v\":\xff".to_vec()), &PeerTable::default(), LIMITS).expect_err("no text"), AdmitError::Encoding(5));
}

#[test]
fn limits_of_depth_and_values() {
    let deep = format!(r#"{{"state":{}{}}}"#, "[".repeat(20), "]".repeat(20));
    let err = run(&format!(r#"{{"v":1,"schedule":{deep}}}"#)).expect_err("too deep").to_string();
    assert!(err.contains("nested deeper than 16 levels"), "{err}");
    let many = vec!["0"; 300].join(",");
    let err = run(&format!(r#"{{"v":1,"schedule":{{"state":[{many}]}}}}"#)).expect_err("too many").to_string();
    assert!(err.contains("more than 200 values"), "{err}");
}

#[test]
fn the_rest_of_an_answer() {
    let admitted = run(r#"{"log":"l","why":{"web":{"alpha":"most free"}},"changes":["c"],"actions":{"1":true},"schedule":{},"v":1}"#)
        .expect("accepted");
    assert_eq!((admitted.log.as_str(), &admitted.changes[..]), ("l", &["c".to_owned()][..]));
    assert_eq!(admitted.actions["1"], serde_json::Value::Bool(true));
    assert_eq!(admitted.why.read().expect("well-formed")["web"]["alpha"], "most free");
    let odd = run(r#"{"v":1,"schedule":{},"why":["x"]}"#).expect("a malformed why does not stop a decision");
    assert_eq!(unplaced(&odd.why.read().expect_err("a list").to_string()), "`why`: invalid type: sequence, expected a map");
}

#[test]
fn a_restored_schedule_is_the_one_that_was_named() {
    let admitted = run(r#"{"v":1,"schedule":{"roles":{"web":{"place":{"gamma":3,"alpha":2}},"a":{"place":{"beta":1}}},"nodes":{"beta":{"vars":{"x":1}}}}}"#).expect("accepted");
    let (text, digest) = (admitted.schedule.canonical(), admitted.schedule.digest());
    let restored = restore(text, digest, LIMITS).expect("intact");
    assert_eq!(restored.canonical(), text);
    let altered = text.replace("\"instances\":3", "\"instances\":4");
    assert_eq!(
        restore(&altered, digest, LIMITS).expect_err("altered"),
        AdmitError::Digest { expected: digest, found: Digest::of(altered.as_bytes()) }
    );
}

#[test]
fn a_placement_by_number_takes_one_value_more_in_canonical_form() {
    let answer = RawOutput(br#"{"v":1,"schedule":{"roles":{"web":{"place":{"alpha":2,"beta":1}}}}}"#.to_vec());
    let (peers, _) = PeerTable::new(vec![peer("alpha", 1), peer("beta", 2)]);
    let values = |values| JsonLimits { values, ..LIMITS };
    assert!(admit(&answer, &peers, values(1)).is_err());
    let schedule = admit(&answer, &peers, values(2)).expect("two values").schedule;
    let restore = |limits| restore(schedule.canonical(), schedule.digest(), limits);
    assert!(restore(values(3)).is_err());
    assert_eq!(restore(values(4)).expect("four values"), schedule);
}

#[test]
fn totals_and_look_ups() {
    let admitted = run(r#"{"v":1,"schedule":{"vars":{"dc":"x"},"roles":{"web":{"port":1,"place":{"gamma":3,"alpha":{"port":2}}}}}}"#)
        .expect("accepted");
    let schedule = admitted.schedule;
    assert_eq!(schedule.totals(), crate::schedule::Totals { roles: 1, placements: 2, instances: 4 });
    let nodes: Vec<_> = schedule.nodes_of("web").map(|(host, n)| (host.as_str(), n)).collect();
    assert_eq!(nodes, [("alpha", 1), ("gamma", 3)]);
    assert_eq!(schedule.nodes_of("nope").count(), 0);
    let vars = schedule.vars_of("alpha", "web").expect("placed");
    assert_eq!(serde_json::to_string(&vars).expect("JSON"), r#"{"dc":"x","port":2}"#);
    assert_eq!(schedule.vars_of("beta", "web"), None);
}

#[test]
fn warnings_are_few_and_short() {
    let key = "x".repeat(1_000);
    let keys: Vec<String> = (0..20).map(|n| format!("\"{n:02}{key}\":1")).collect();
    let admitted = run(&format!(r#"{{"v":1,"schedule":{{{}}}}}"#, keys.join(","))).expect("accepted");
    assert_eq!(admitted.warnings.len(), 11, "{:?}", admitted.warnings);
    assert_eq!(admitted.warnings[10], "10 more keys of the schedule are not known to this version; they are carried along");
    assert!(admitted.warnings.iter().all(|warning| warning.len() < 200), "{:?}", admitted.warnings);
}

#[test]
fn maps_of_variables_are_paid_for() {
    // Each is 632 bytes of memory for 14 of text: 200 values are 20 of them, not 66.
    let refused = |placement: &str| {
        let roles: Vec<String> = (0..30).map(|n| format!(r#""r{n}":{{"place":{{"alpha":{placement}}}}}"#)).collect();
        run(&format!(r#"{{"v":1,"schedule":{{"roles":{{{}}}}}}}"#, roles.join(",")))
            .is_err_and(|err| err.to_string().contains("more than 200 values"))
    };
    assert!(refused(r#"{"x":1}"#));
    assert!(refused(r#"{"instances":0}"#));
    assert!(!refused(r#"{"instances":1}"#));
    assert!(!refused("1"));
}

/// Whoever tells an error with its causes would say it twice.
#[test]
fn a_refusal_is_said_once() {
    let err = read("", LIMITS).expect_err("no schedule");
    assert_eq!(err.to_string(), "the answer was refused: EOF while parsing a value at line 1 column 0");
    assert!(std::error::Error::source(&err).is_none());
}
