//! What must hold of every answer that was admitted and of every schedule that was restored.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use verwalter_core::accept::{NodeFacts, accept};
use verwalter_core::admit::{AdmitError, Admitted, MAX_NODES, MAX_PLACEMENTS, MAX_ROLES, admit, restore};
use verwalter_core::contract::{InputKey, InputMode, PLACED_PREFIX, Reads, SchedulerInput, SnapshotView, document};
use verwalter_core::digest::Digest;
use verwalter_core::ids::{NodeId, Round, Term, UnixMillis};
use verwalter_core::json::canonical;
use verwalter_core::json::strict::{JsonLimits, read_value};
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::RawOutput;
use verwalter_core::schedule::{MAX_INSTANCES, Schedule};
use verwalter_core::snapshot::Snapshot;

use crate::MAX_MESSAGE_BYTES;
use crate::tables::WIDE;

/// Admits `text`, checks what must hold of the outcome, and hands it on.
pub fn admit_checked(text: &[u8], known: &PeerTable, limits: JsonLimits) -> Option<Admitted> {
    let admitted = admit_bounded(text, known, limits)?;
    check(&admitted, known, limits);
    Some(admitted)
}

/// Admits `text`; a refusal is short.
pub fn admit_bounded(text: &[u8], known: &PeerTable, limits: JsonLimits) -> Option<Admitted> {
    match admit(&RawOutput(text.to_vec()), known, limits) {
        Ok(admitted) => Some(admitted),
        Err(err) => {
            let message = err.to_string();
            assert!(message.len() <= MAX_MESSAGE_BYTES, "a refusal of {} bytes", message.len());
            None
        }
    }
}

fn check(admitted: &Admitted, known: &PeerTable, limits: JsonLimits) {
    let schedule = &admitted.schedule;
    check_schedule(schedule);
    check_placements(schedule, known);
    check_view(schedule, known);
    // What one leader admits, its successor continues: under the same budget, as an answer and from a file.
    let text = format!(r#"{{"v":1,"schedule":{}}}"#, schedule.canonical());
    let again = admit(&RawOutput(text.into_bytes()), known, WIDE).expect("a schedule's canonical form is an answer");
    assert_eq!(again.schedule.digest(), schedule.digest());
    let placements = schedule.totals().placements as u32;
    let limits = JsonLimits { values: limits.values + placements, ..limits };
    restore(schedule.canonical(), schedule.digest(), limits).expect("what was admitted is restored under its budget");
    let told: usize = admitted.warnings.iter().map(String::len).sum();
    assert!(told <= MAX_MESSAGE_BYTES, "warnings of {told} bytes");
    if let Err(err) = admitted.why.read() {
        assert!(err.to_string().len() <= MAX_MESSAGE_BYTES);
    }
}

/// What holds of a schedule wherever it comes from.
pub fn check_schedule(schedule: &Schedule) {
    let text = schedule.canonical();
    assert_eq!(schedule.digest(), Digest::of(text.as_bytes()));
    let value = read_value(text, JsonLimits { depth: 120, ..WIDE }).expect("canonical text is strict JSON");
    assert_eq!(canonical::to_string(&value), text, "the canonical form of a canonical text is itself");
    let plain: Value = serde_json::from_str(text).expect("canonical text is JSON");
    assert_eq!(serde_json_canonicalizer::to_string(&plain).expect("canonicalisable"), text, "a second writer agrees");
    let restored = restore(text, schedule.digest(), JsonLimits { values: u32::MAX, ..WIDE }).expect("an own text is restored");
    assert_eq!((restored.canonical(), restored.totals()), (text, schedule.totals()));

    let roles: Vec<&RoleName> = schedule.roles().collect();
    assert!(roles.is_sorted_by(|a, b| a < b), "roles stand once, in order");
    for role in &roles {
        RoleName::new(role.as_str()).expect("a role's name is one");
    }
    let totals = schedule.totals();
    assert!(totals.roles == roles.len() && totals.roles <= MAX_ROLES && totals.placements <= MAX_PLACEMENTS);
    assert!(value["nodes"].as_object().expect("always there").len() <= MAX_NODES);
    let mut placements = 0;
    let mut instances = 0;
    for role in &roles {
        for (hostname, n) in schedule.nodes_of(role.as_str()) {
            Hostname::new(hostname.as_str()).expect("a hostname is one");
            assert!(n <= MAX_INSTANCES);
            assert!(schedule.roles_on(hostname.as_str()).any(|(on, m)| on == *role && m == n), "both views agree");
            assert!(value["nodes"][hostname.as_str()]["roles"][role.as_str()].is_object(), "the text says it too");
            placements += 1;
            instances += u64::from(n);
        }
    }
    assert_eq!((totals.placements, totals.instances), (placements, instances));
}

fn check_placements(schedule: &Schedule, known: &PeerTable) {
    let value: Value = serde_json::from_str(schedule.canonical()).expect("canonical text is JSON");
    for hostname in value["nodes"].as_object().expect("always there").keys() {
        assert!(known.position(hostname).is_some(), "`{hostname}` is not known");
    }
    let templates = BTreeSet::from([TemplateRef::new("web/v1").expect("valid")]);
    let machine = serde_json::Map::new();
    // A few are as good as all, and take less of the time.
    for peer in known.iter().take(4) {
        let facts = NodeFacts { hostname: &peer.hostname, templates: &templates, machine: &machine };
        let accepted = accept(schedule, &facts);
        assert_eq!(accepted.roles.len() + accepted.refused.len(), schedule.roles_on(peer.hostname.as_str()).count());
        for plan in &accepted.roles {
            assert!(templates.contains(&plan.template));
            assert_eq!(plan.vars["role"], plan.role.as_str());
        }
        for refusal in &accepted.refused {
            assert!(refusal.to_string().len() <= MAX_MESSAGE_BYTES);
        }
    }
}

/// What the next decision is told of this one.
fn check_view(schedule: &Schedule, known: &PeerTable) {
    let reads = Reads { mode: InputMode::Document, keys: InputKey::ALL.to_vec(), metrics: Default::default() };
    let snapshot = Snapshot::new(UnixMillis(1), Arc::new(known.clone()), Default::default()).expect("no columns fit any table");
    let parents = [schedule.clone()];
    let view = SnapshotView::new(Arc::new(snapshot), &reads, &parents);
    for role in schedule.roles() {
        let column = view.column(&format!("{PLACED_PREFIX}{role}")).expect("one parent");
        let placed: u64 = schedule.nodes_of(role.as_str()).map(|(_, n)| u64::from(n)).sum();
        assert_eq!((column.len(), column.iter().sum::<f64>()), (known.len(), placed as f64));
    }
    let input = SchedulerInput {
        now: UnixMillis(1),
        round: Round(1),
        term: Term { counter: 1, leader: NodeId::from_bytes([1; 16]) },
        current_host: &Hostname::new("alpha").expect("valid"),
        current_id: NodeId::from_bytes([1; 16]),
        config: "{}",
        runtime: "{}",
        parents: &parents,
        actions: "{}",
    };
    let document: Value = serde_json::from_str(&document(&input, &reads, &view)).expect("the document is JSON");
    assert_eq!(canonical::to_string(&document["parents"][0]), schedule.canonical());
}

/// `restore` refuses what was altered on the way.
pub fn check_altered(text: &str, digest: Digest) {
    assert!(matches!(restore(text, digest, WIDE), Err(AdmitError::Digest { .. })));
}
