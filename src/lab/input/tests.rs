//! What documents of cases are read as, and what is said of those that are wrong.

use crate::lab::input::{Asked, Proposed, Rendered, Scene};

/// The first thing that is wrong with a scheduler's document.
fn flaw(text: &str) -> String {
    Scene::read(text).expect_err("it is refused").to_string()
}

#[test]
fn what_is_left_out_is_empty() {
    let scene = Scene::read(r#"{"peers": {"beta": {"id": "00000000000000000000000000000002"}}}"#).expect("it is sound");
    assert_eq!((scene.known.hostname.as_str(), scene.known.round.0, &*scene.known.runtime), ("beta", 1, "{}"));
    assert_eq!(scene.known.id.to_string(), "00000000000000000000000000000002");
    assert!(scene.known.parents.is_empty() && scene.config.is_none() && scene.metrics.is_empty());
}

#[test]
fn texts_are_handed_on_as_they_were_written() {
    let text = r#"{"current_host": "a", "runtime": {"web": {"n": 1.50, "u": "\u00e9"}}, "config": { }, "actions": {"1":[ ]}}"#;
    let scene = Scene::read(text).expect("it is sound");
    assert_eq!(&*scene.known.runtime, r#"{"web": {"n": 1.50, "u": "\u00e9"}}"#);
    assert_eq!((scene.config.as_deref(), &*scene.known.actions), (Some("{ }"), r#"{"1":[ ]}"#));
}

#[test]
fn a_schedule_may_name_nodes_that_are_gone() {
    let parent = r#"{"nodes": {"gone": {"roles": {"web": {"instances": 2}}}}, "roles": {"web": {}}}"#;
    let text = format!(r#"{{"current_host": "a", "parents": [{parent}, {{"roles": {{"web": {{"place": {{"gone": 2}}}}}}}}]}}"#);
    let scene = Scene::read(&text).expect("it is sound");
    let [first, second] = &scene.known.parents[..] else { panic!("there are two") };
    assert_eq!(first, second, "both notations are one schedule");
    assert_eq!(first.nodes_of("web").map(|(host, n)| (host.as_str(), n)).collect::<Vec<_>>(), [("gone", 2)]);
}

#[test]
fn flaws_name_their_key() {
    let check = |text: &str, expect: &str| {
        let found = flaw(text);
        assert!(found.starts_with(expect), "{text}: {found}");
    };
    check("[", "`0`: EOF while parsing");
    check("[]", "must be an object");
    check(r#"{"runtme": {}}"#, "`runtme`: unknown field `runtme`, expected one of `v`, `now`");
    check(r#"{"round": 1, "round": 2}"#, "`round`: the key stands twice");
    check(r#"{"v": 2}"#, "`v`: must be 1");
    check("{}", "`current_host`: is missing");
    check(r#"{"current_host": "a", "runtime": []}"#, "`runtime`: must be an object");
    check(r#"{"peers": {"a": {"id": "7"}}}"#, "`peers.a.id`: a node id must be 32");
    check(r#"{"peers": {"A": {"id": "00000000000000000000000000000002"}}}"#, "`peers");
    check(r#"{"current_host": "a", "metrics": {"cpu": [1]}}"#, "`metrics.cpu`: has 1 values for 0 peers");
    check(r#"{"current_host": "a", "parents": [{"roles": {"A": {}}}]}"#, "`parents.0.roles.A`: is no schedule: ");
}

#[test]
fn a_policys_diff_must_be_the_hosts_own() {
    let proposed = |diff: &str| {
        let schedule = r#"{"roles": {"web": {"place": {"a": 2}}}}"#;
        Proposed::read(&format!(r#"{{"current_host": "a", "schedule": {schedule}, "previous": null{diff}}}"#))
    };
    assert_eq!(proposed("").expect("it may be left out").diff.totals().started, 2);
    let diff = |n| format!(r#", "diff": {{"added": {{"web": {{"a": {n}}}}}, "removed": {{}}, "moved": {{}}, "changed": {{}}}}"#);
    assert!(proposed(&diff(2)).is_ok());
    let wrong = proposed(&diff(1)).expect_err("it is not so").to_string();
    assert!(wrong.starts_with("`diff`: is not what changes") && wrong.contains("added.web.a: expected 2, got 1"), "{wrong}");
}

#[test]
fn questions_and_renders() {
    let asked = Asked::read(r#"{"path": "roles/web", "body": {"a": 1}, "schedule": null, "schedule_digest": "any"}"#).expect("it is sound");
    assert_eq!((asked.method.as_str(), asked.body.as_ref().map(|body| body.as_str()), asked.schedule), ("GET", Some(r#"{"a": 1}"#), None));
    let rendered = Rendered::read(r#"{"hostname": "a", "schedule": {}, "machine": {"cpus": 2}}"#).expect("it is sound");
    assert_eq!((rendered.hostname.as_str(), rendered.previous, rendered.machine["cpus"].as_u64()), ("a", None, Some(2)));
    assert!(Asked::read(r#"{"path": 7}"#).expect_err("refused").to_string().starts_with("`path`: invalid type"));
}
