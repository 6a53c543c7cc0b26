//! Diffs of hand-written schedules, and what holds for any two.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::admit::tests::schedule;
use crate::peers::tests::peer;

/// The nodes that [`schedule`] knows.
const HOSTS: [&str; 3] = ["alpha", "beta", "gamma"];

fn alive(hosts: &[&str]) -> PeerTable {
    PeerTable::new(hosts.iter().zip(1..).map(|(name, id)| peer(name, id)).collect()).0
}

fn check(before: Option<&str>, after: &str, alive_hosts: &[&str], json: &str, lines: &str) {
    let before = before.map(schedule);
    let diff = Diff::between(before.as_ref(), &schedule(after), &alive(alive_hosts));
    assert_eq!(serde_json::to_string(&diff).expect("JSON"), json);
    assert_eq!(diff.to_string(), lines);
    assert_eq!(diff.is_empty(), lines.is_empty());
}

#[test]
fn the_first_schedule_starts_everything() {
    check(
        None,
        r#"{"roles":{"web":{"place":{"gamma":1,"alpha":2}},"db":{"place":{"beta":{}}},"idle":{}}}"#,
        &HOSTS,
        r#"{"added":{"db":{"beta":1},"web":{"alpha":2,"gamma":1}},"removed":{},"moved":{},"changed":{}}"#,
        "+ db on beta: 0 → 1\n+ web on alpha: 0 → 2\n+ web on gamma: 0 → 1\n",
    );
    check(None, "{}", &HOSTS, r#"{"added":{},"removed":{},"moved":{},"changed":{}}"#, "");
}

#[test]
fn what_stops_on_a_living_node_and_starts_on_another_has_moved() {
    let (before, after) = (r#"{"roles":{"web":{"place":{"alpha":3,"beta":1}}}}"#, r#"{"roles":{"web":{"place":{"beta":2,"gamma":1}}}}"#);
    let lines = "- web on alpha: 3 → 0\n+ web on beta: 1 → 2\n+ web on gamma: 0 → 1\n";
    check(
        Some(before),
        after,
        &HOSTS,
        r#"{"added":{"web":{"beta":1,"gamma":1}},"removed":{"web":{"alpha":3}},"moved":{"web":2},"changed":{}}"#,
        lines,
    );
    // The same when alpha died: nobody moved anything.
    check(
        Some(before),
        after,
        &["beta", "gamma"],
        r#"{"added":{"web":{"beta":1,"gamma":1}},"removed":{"web":{"alpha":3}},"moved":{},"changed":{}}"#,
        lines,
    );
}

#[test]
fn roles_are_told_apart_by_name_wherever_they_stand_in_the_list() {
    check(
        Some(r#"{"roles":{"b":{"place":{"alpha":1}},"d":{"place":{"alpha":1}}}}"#),
        r#"{"roles":{"a":{"place":{"alpha":1}},"b":{"place":{"alpha":1}},"c":{"place":{"alpha":4}}}}"#,
        &HOSTS,
        r#"{"added":{"a":{"alpha":1},"c":{"alpha":4}},"removed":{"d":{"alpha":1}},"moved":{},"changed":{}}"#,
        "+ a on alpha: 0 → 1\n+ c on alpha: 0 → 4\n- d on alpha: 1 → 0\n",
    );
}

fn check_changed(before: &str, after: &str, lines: &str) {
    let diff = Diff::between(Some(&schedule(before)), &schedule(after), &alive(&HOSTS));
    assert_eq!(diff.to_string(), lines, "{before} {after}");
}

#[test]
fn variables_differ_on_any_level() {
    let plain = r#"{"vars":{"x":1},"roles":{"web":{"x":2,"place":{"alpha":1,"beta":{"x":3}}}}}"#;
    // Of the placement, of the role (where not overridden), of the node, of all.
    check_changed(plain, r#"{"vars":{"x":1},"roles":{"web":{"x":2,"place":{"alpha":1,"beta":{"x":4}}}}}"#, "~ web on beta: variables\n");
    check_changed(plain, r#"{"vars":{"x":1},"roles":{"web":{"x":9,"place":{"alpha":1,"beta":{"x":3}}}}}"#, "~ web on alpha: variables\n");
    check_changed(
        plain,
        r#"{"vars":{"x":1},"roles":{"web":{"x":2,"place":{"alpha":1,"beta":{"x":3}}}},"nodes":{"alpha":{"vars":{"x":5}},"gamma":{"vars":{"x":5}}}}"#,
        "~ web on alpha: variables\n",
    );
    check_changed(plain, r#"{"vars":{"x":7},"roles":{"web":{"x":2,"place":{"alpha":1,"beta":{"x":3}}}}}"#, "");
    check_changed(
        plain,
        r#"{"vars":{"x":1,"y":0},"roles":{"web":{"x":2,"place":{"alpha":1,"beta":{"x":3}}}}}"#,
        "~ web on alpha: variables\n~ web on beta: variables\n",
    );
}

#[test]
fn a_role_with_no_instance_is_still_there() {
    let idle = r#"{"roles":{"web":{"place":{"alpha":{"instances":0}}}}}"#;
    check_changed(idle, "{}", "~ web on alpha: variables\n");
    check_changed(idle, r#"{"roles":{"web":{"place":{"alpha":1}}}}"#, "+ web on alpha: 0 → 1\n");
}

#[test]
fn free_keys_are_not_looked_at() {
    check_changed("{}", r#"{"state":1,"nodes":{"alpha":{"shortinfo":[]}},"roles":{"web":{"x":1}}}"#, "");
}

#[test]
fn totals() {
    let before = schedule(r#"{"roles":{"web":{"place":{"alpha":3,"beta":1,"gamma":{"x":1}}}}}"#);
    let after = schedule(r#"{"roles":{"web":{"place":{"alpha":1,"beta":2,"gamma":{"x":2}}},"db":{"place":{"alpha":1}}}}"#);
    let diff = Diff::between(Some(&before), &after, &alive(&HOSTS));
    assert_eq!(diff.totals(), DiffTotals { before: 5, after: 5, started: 2, stopped: 2, moved: 1, changed: 1 });
    let same = Diff::between(Some(&after), &after, &alive(&HOSTS));
    assert_eq!(same.totals(), DiffTotals { before: 5, after: 5, ..DiffTotals::default() });
}

/// Role to hostname to instances; with a variable on some levels, which a more specific one may hide.
fn any_schedule() -> impl Strategy<Value = Schedule> {
    let host = || prop::sample::select(HOSTS.to_vec());
    let role = prop::sample::select(vec!["db", "idle", "web"]);
    let placement = prop_oneof![
        (1u32..4).prop_map(|n| n.to_string()),
        (0u32..3, 0..2).prop_map(|(n, x)| format!(r#"{{"instances":{n},"x":{x}}}"#)),
        (0..2).prop_map(|x| format!(r#"{{"x":{x}}}"#)),
    ];
    let vars = || prop_oneof![Just(String::new()), (0..2).prop_map(|x| format!(r#""x":{x},"#))];
    let role_of = (vars(), prop::collection::btree_map(host(), placement, 0..4));
    let node = (0..2).prop_map(|x| format!(r#"{{"vars":{{"x":{x}}}}}"#));
    (vars(), prop::collection::btree_map(role, role_of, 0..4), prop::collection::btree_map(host(), node, 0..2)).prop_map(
        |(vars, roles, nodes)| {
            let list = |map: BTreeMap<&str, String>| map.iter().map(|(k, v)| format!("{k:?}:{v}")).collect::<Vec<_>>().join(",");
            let roles = roles.into_iter().map(|(role, (vars, place))| (role, format!(r#"{{{vars}"place":{{{}}}}}"#, list(place))));
            let vars = vars.trim_end_matches(',');
            schedule(&format!(r#"{{"vars":{{{vars}}},"roles":{{{}}},"nodes":{{{}}}}}"#, list(roles.collect()), list(nodes)))
        },
    )
}

fn instances_of(schedule: &Schedule, role: &str) -> i64 {
    schedule.nodes_of(role).map(|(_, n)| i64::from(n)).sum()
}

/// Instances where it is placed, and its variables there.
fn look_up(schedule: &Schedule, host: &str, role: &str) -> (u32, Option<Map<String, Value>>) {
    let instances = schedule.nodes_of(role).find(|(hostname, _)| hostname.as_str() == host).map_or(0, |(_, n)| n);
    (instances, schedule.vars_of(host, role))
}

proptest! {
    #[test]
    fn sums_agree(a in any_schedule(), b in any_schedule(), living in prop::sample::subsequence(HOSTS.to_vec(), 0..=3)) {
        let diff = Diff::between(Some(&a), &b, &alive(&living));
        let totals = diff.totals();
        prop_assert_eq!((totals.before, totals.after), (a.totals().instances, b.totals().instances));
        let (mut started, mut stopped, mut moved) = (0, 0, 0);
        for role in diff.roles() {
            let name = role.role.as_str();
            prop_assert_eq!(role.started.cast_signed() - role.stopped.cast_signed(), instances_of(&b, name) - instances_of(&a, name));
            prop_assert!(role.moved <= role.started.min(role.stopped));
            prop_assert!(!role.changes.is_empty());
            started += role.started;
            stopped += role.stopped;
            moved += role.moved;
        }
        prop_assert_eq!((totals.started, totals.stopped, totals.moved), (started, stopped, moved));
    }

    #[test]
    fn every_difference_is_listed_and_nothing_else(a in any_schedule(), b in any_schedule()) {
        let diff = Diff::between(Some(&a), &b, &alive(&HOSTS));
        let mut expect = Vec::new();
        for role in ["db", "idle", "web"] {
            for host in HOSTS {
                let (before, after) = (look_up(&a, host, role), look_up(&b, host, role));
                if before != after && (before.0 != after.0 || before.1 != after.1) {
                    expect.push((role, host, before.0, after.0));
                }
            }
        }
        let got: Vec<_> = diff
            .roles()
            .iter()
            .flat_map(|role| role.changes.iter().map(|c| (role.role.as_str(), c.hostname.as_str(), c.before, c.after)))
            .collect();
        prop_assert_eq!(got, expect);
    }

    #[test]
    fn nothing_changes_between_equals(a in any_schedule()) {
        let again = crate::admit::restore(a.canonical(), a.digest(), crate::json::strict::JsonLimits { depth: 32, values: 1000 });
        prop_assert!(Diff::between(Some(&a), &again.expect("intact"), &alive(&HOSTS)).is_empty());
    }

    #[test]
    fn the_way_back_undoes_it(a in any_schedule(), b in any_schedule()) {
        let there = Diff::between(Some(&a), &b, &alive(&HOSTS));
        let mut back = Diff::between(Some(&b), &a, &alive(&HOSTS));
        for role in &mut back.roles {
            std::mem::swap(&mut role.started, &mut role.stopped);
            role.changes.iter_mut().for_each(|change| std::mem::swap(&mut change.before, &mut change.after));
        }
        prop_assert_eq!(there.roles, back.roles);
    }
}
