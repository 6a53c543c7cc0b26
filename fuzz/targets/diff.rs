//! What one admitted schedule changes of another: against a model that compares role by role and node by node, whatever is merged.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use verwalter_core::diff::{Diff, DiffTotals};
use verwalter_core::guard::{Guards, Share, Tripped};
use verwalter_core::json::strict::read_value;
use verwalter_core::peers::PeerTable;
use verwalter_core::schedule::Schedule;
use verwalter_fuzz::MAX_MESSAGE_BYTES;
use verwalter_fuzz::admitted::admit_bounded;
use verwalter_fuzz::answers::{Model, Notation};
use verwalter_fuzz::free::Free;
use verwalter_fuzz::tables::{HOSTNAMES, LIMITS, WIDE, table, tables};

static TABLES: LazyLock<[PeerTable; 3]> = LazyLock::new(tables);

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    before: Model,
    after: Model,
    /// Whether `after` has the variables of `before`: made at random, nearly all differ.
    same_vars: bool,
    rest: Vec<Free>,
    /// Which of the hostnames are still there, as bits.
    alive: u8,
}

fuzz_target!(|input: Input| {
    let Input { before, mut after, same_vars, rest, alive } = input;
    if same_vars {
        after.take_vars(&before);
    }
    let alive: Vec<&str> = HOSTNAMES.into_iter().enumerate().filter(|(bit, _)| alive >> bit & 1 == 1).map(|(_, name)| name).collect();
    let alive = table(&alive);
    let schedules = [schedule(&before), schedule(&after)];
    let [old, new] = &schedules;
    check(None, new, &alive);
    check(Some(old), new, &alive);
    check(Some(new), old, &alive);
    for same in &schedules {
        assert!(Diff::between(Some(same), same, &alive).is_empty());
    }
    // The same with other free keys is another schedule, which is compared in full.
    let mut other = after.clone();
    other.set_rest(rest);
    let other = schedule(&other);
    let diff = Diff::between(Some(new), &other, &alive);
    assert!(diff.is_empty() && diff.to_string().is_empty());
    assert_eq!(diff.totals().before, new.totals().instances);
    check(Some(new), &other, &alive);
});

fn schedule(model: &Model) -> Schedule {
    let [_, few, _] = &*TABLES;
    admit_bounded(model.text(Notation::Mixed).as_bytes(), few, LIMITS).expect("the model is sound").schedule
}

/// Instances by role and hostname.
fn placed(schedule: &Schedule) -> BTreeMap<(&str, &str), u32> {
    let mut placed = BTreeMap::new();
    for role in schedule.roles() {
        placed.extend(schedule.nodes_of(role.as_str()).map(|(hostname, n)| ((role.as_str(), hostname.as_str()), n)));
    }
    placed
}

fn check(before: Option<&Schedule>, after: &Schedule, alive: &PeerTable) {
    let diff = Diff::between(before, after, alive);
    let (old, new) = (before.map(placed).unwrap_or_default(), placed(after));
    let (mut totals, mut lines) = (DiffTotals::default(), 0);
    let (mut added, mut removed, mut moved, mut changed) = (json!({}), json!({}), json!({}), json!({}));
    let roles: BTreeSet<&str> = old.keys().chain(new.keys()).map(|(role, _)| *role).collect();
    for role in roles {
        let (mut started, mut stopped, mut lost) = (0, 0, 0);
        let hosts: BTreeSet<&str> = old.keys().chain(new.keys()).filter(|(of, _)| *of == role).map(|(_, host)| *host).collect();
        for host in hosts {
            let (was, is) = (old.get(&(role, host)), new.get(&(role, host)));
            let vars = |schedule: &Schedule| schedule.vars_of(host, role);
            let same = was.is_some() == is.is_some() && before.and_then(vars) == vars(after);
            let (was, is) = (was.copied().unwrap_or(0), is.copied().unwrap_or(0));
            totals.before += u64::from(was);
            totals.after += u64::from(is);
            if is > was {
                started += u64::from(is - was);
                added[role][host] = json!(is - was);
            } else if is < was {
                stopped += u64::from(was - is);
                lost += if alive.position(host).is_none() { u64::from(was - is) } else { 0 };
                removed[role][host] = json!(was - is);
            } else if !same {
                totals.changed += 1;
                match &mut changed[role] {
                    Value::Array(hosts) => hosts.push(json!(host)),
                    none => *none = json!([host]),
                }
            } else {
                continue;
            }
            lines += 1;
        }
        let both = started.min(stopped - lost);
        totals.started += started;
        totals.stopped += stopped;
        totals.moved += both;
        if both > 0 {
            moved[role] = json!(both);
        }
    }
    assert_eq!(diff.totals(), totals);
    assert_eq!(totals.before + totals.started, totals.after + totals.stopped);
    assert_eq!((diff.is_empty(), diff.lines().count()), (lines == 0, lines));
    assert_eq!(diff.to_string().lines().count(), lines, "one line a change");
    assert!(diff.roles().iter().map(|role| &role.role).is_sorted_by(|a, b| a < b), "roles stand once, in order");
    let text = serde_json::to_string(&diff).expect("names and numbers are JSON");
    let expect = json!({ "added": added, "removed": removed, "moved": moved, "changed": changed });
    assert_eq!(read_value(&text, WIDE), Ok(expect), "the writer's text is strict JSON");
    check_guards(&diff);
}

/// What a guard says would let the schedule pass does so.
fn check_guards(diff: &Diff) {
    for max_moved in ["0%", "50%", "100%"] {
        let mut guards = Guards { allow_empty: false, max_moved: max_moved.parse().expect("a share") };
        // At most one guard after the other.
        for _ in 0..2 {
            let Err(tripped) = guards.check(diff) else { break };
            assert!(tripped.to_string().len() <= MAX_MESSAGE_BYTES);
            match tripped {
                Tripped::Empty { .. } => guards.allow_empty = true,
                Tripped::Moved { moved, running, .. } => guards.max_moved = Share::holding(moved, running),
            }
        }
        assert_eq!(guards.check(diff), Ok(()));
    }
}
