//! A scheduler's input document. Built of texts that are kept ready, so that a round at 10,000 peers copies and never serialises.

use super::text::{Head, Text, snapshot_bytes};
use super::{InputKey, Reads, SnapshotView};
use crate::ids::{NodeId, Round, Term, UnixMillis};
use crate::names::Hostname;
use crate::schedule::Schedule;

/// What goes into the document.
#[derive(Debug)]
pub struct SchedulerInput<'a> {
    /// The round's time.
    pub now: UnixMillis,
    /// The round's number within the term.
    pub round: Round,
    /// The leadership.
    pub term: Term,
    /// The leader's hostname.
    pub current_host: &'a Hostname,
    /// The leader's id.
    pub current_id: NodeId,
    /// The plugin's configuration, JSON text.
    pub config: &'a str,
    /// Operators' metadata, JSON text.
    pub runtime: &'a str,
    /// The schedules that this decision follows.
    pub parents: &'a [Schedule],
    /// Operators' pending actions by id, JSON text of an object.
    pub actions: &'a str,
}

/// The document's JSON text: `v, now, round, term, current_host, current_id, config` and what `reads` wants of
/// `runtime, parents, actions, peers, absent, metrics`.
pub fn document(input: &SchedulerInput<'_>, reads: &Reads, view: &SnapshotView) -> String {
    let parents: usize = input.parents.iter().map(|parent| parent.canonical().len() + 1).sum();
    let copied = input.config.len() + input.runtime.len() + input.actions.len() + parents;
    let mut text = Text::new(copied + snapshot_bytes(reads, view));
    text.head(&Head {
        now: input.now,
        round: input.round,
        term: input.term,
        current_host: input.current_host,
        current_id: input.current_id,
        config: input.config,
    });
    if reads.wants(InputKey::Runtime) {
        text.json("runtime", input.runtime);
    }
    if reads.wants(InputKey::Parents) {
        text.list("parents", input.parents, |parent, out| out.extend_from_slice(parent.canonical().as_bytes()));
    }
    if reads.wants(InputKey::Actions) {
        text.json("actions", input.actions);
    }
    text.snapshot(view, |key| reads.wants(key));
    text.finish()
}

/// A scheduler's or a policy's document with the peers and metrics that the plugin read through the snapshot instead: for people, and
/// for deciding again elsewhere.
pub fn whole_document(document: &str, reads: &Reads, view: &SnapshotView) -> String {
    let mut text = Text::reopen(document);
    text.snapshot(view, |key| !reads.wants(key));
    text.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::contract::InputMode;
    use crate::metrics::{Column, ColumnId, Combine, MetricRule, Take};
    use crate::peers::PeerTable;
    use crate::peers::tests::peer;
    use crate::snapshot::Snapshot;

    fn rule(metric: &str) -> MetricRule {
        let labels = BTreeMap::from([("metric".to_owned(), metric.to_owned())]);
        MetricRule { labels, take: Take::Last, window: Duration::ZERO, combine: Combine::Sum, ..MetricRule::default() }
    }

    fn check(mode: InputMode, keys: &[InputKey], expect: &str) {
        let (peers, _) = PeerTable::new(vec![peer("alpha", 1), peer("beta", 2)]);
        let columns = BTreeMap::from([(rule("load").into(), Arc::new(Column::new(vec![0.1, f64::NAN])))]);
        let snapshot = Snapshot::new(UnixMillis(5), Arc::new(peers), columns).expect("columns fit");
        let metrics = BTreeMap::from([("load".to_owned(), rule("load")), ("unknown".to_owned(), rule("x"))]);
        let reads = Reads { mode, keys: keys.to_vec(), metrics };
        let view = SnapshotView::new(Arc::new(snapshot), &reads, &[]);
        let alpha = peer("alpha", 1);
        let input = SchedulerInput {
            now: UnixMillis(1533909072000),
            round: Round(3),
            term: Term { counter: 2, leader: alpha.id },
            current_host: &alpha.hostname,
            current_id: alpha.id,
            config: r#"{"spread":"rack"}"#,
            runtime: r#"{"web":{"instances":2}}"#,
            parents: &[],
            actions: "{}",
        };
        let text = document(&input, &reads, &view);
        serde_json::from_str::<serde_json::Value>(&text).expect("the document is JSON");
        assert_eq!(text, expect);
        let whole = whole_document(&text, &reads, &view);
        let whole: serde_json::Value = serde_json::from_str(&whole).expect("the whole document is JSON");
        assert_eq!(whole["peers"]["beta"]["hostname"], "beta");
        assert_eq!(whole["metrics"], serde_json::json!({ "load": [0.1, null], "unknown": [null, null] }));
    }

    #[test]
    fn everything() {
        check(
            InputMode::Document,
            &InputKey::ALL,
            concat!(
                r#"{"v":1,"now":1533909072000,"round":3,"term":2,"current_host":"alpha","current_id":"00000000000000000000000000000001","#,
                r#""config":{"spread":"rack"},"runtime":{"web":{"instances":2}},"parents":[],"actions":{},"#,
                r#""peers":{"alpha":{"id":"00000000000000000000000000000001","hostname":"alpha","name":"alpha.example.org","addr":null,"known_since":1000,"last_report_direct":null,"alive":true,"since":1000,"machine":{}},"#,
                r#""beta":{"id":"00000000000000000000000000000002","hostname":"beta","name":"beta.example.org","addr":null,"known_since":1000,"last_report_direct":null,"alive":true,"since":1000,"machine":{}}},"#,
                r#""metrics":{"load":[0.1,null],"unknown":[null,null]}}"#
            ),
        );
    }

    #[test]
    fn groups_are_columns_of_their_own() {
        let (peers, _) = PeerTable::new(vec![peer("alpha", 1)]);
        let by = |metric: &str| MetricRule { by: ["interface".to_owned()].into(), ..rule(metric) };
        let group = |name: &str| ColumnId { rule: by("rx"), group: vec![name.to_owned()] };
        let columns = [("eth0", 1.0), ("eth1", 2.0)].map(|(name, value)| (group(name), Arc::new(Column::new(vec![value]))));
        let snapshot = Snapshot::new(UnixMillis(5), Arc::new(peers), columns.into()).expect("columns fit");
        let metrics = BTreeMap::from([("none".to_owned(), by("x")), ("rx".to_owned(), by("rx"))]);
        let reads = Reads { mode: InputMode::Document, keys: vec![InputKey::Runtime], metrics };
        let view = SnapshotView::new(Arc::new(snapshot), &reads, &[]);
        let whole: serde_json::Value =
            serde_json::from_str(&whole_document("{\"v\":1}", &reads, &view)).expect("the whole document is JSON");
        assert_eq!(whole["metrics"], serde_json::json!({ "rx{interface=\"eth0\"}": [1.0], "rx{interface=\"eth1\"}": [2.0] }));
    }

    #[test]
    fn only_what_is_read() {
        let expect = concat!(
            r#"{"v":1,"now":1533909072000,"round":3,"term":2,"current_host":"alpha","current_id":"00000000000000000000000000000001","#,
            r#""config":{"spread":"rack"},"runtime":{"web":{"instances":2}}}"#
        );
        check(InputMode::Document, &[InputKey::Runtime], expect);
        check(InputMode::Columns, &[InputKey::Runtime, InputKey::Peers, InputKey::Metrics], expect);
    }

    #[test]
    fn those_that_do_not_answer_stand_apart_whatever_the_mode() {
        let (peers, _) = PeerTable::new(vec![peer("alpha", 1)]);
        let gone = Arc::new(crate::peers::Peer { alive: false, since: UnixMillis(7), ..peer("beta", 2) });
        let peers = peers.with_absent(&PeerTable::default(), vec![gone]);
        let snapshot = Arc::new(Snapshot::new(UnixMillis(5), Arc::new(peers), BTreeMap::new()).expect("no columns"));
        let alpha = peer("alpha", 1);
        let input = SchedulerInput {
            now: UnixMillis(1),
            round: Round(1),
            term: Term { counter: 1, leader: alpha.id },
            current_host: &alpha.hostname,
            current_id: alpha.id,
            config: "{}",
            runtime: "{}",
            parents: &[],
            actions: "{}",
        };
        let read = |mode, keys: &[InputKey]| {
            let reads = Reads { mode, keys: keys.to_vec(), metrics: BTreeMap::new() };
            let view = SnapshotView::new(snapshot.clone(), &reads, &[]);
            let text = document(&input, &reads, &view);
            let whole = whole_document(&text, &reads, &view);
            (
                serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
                serde_json::from_str::<serde_json::Value>(&whole).expect("JSON"),
            )
        };
        for mode in [InputMode::Document, InputMode::Columns] {
            let (told, whole) = read(mode, &InputKey::ALL);
            assert_eq!((&told["absent"]["beta"]["alive"], &told["absent"]["beta"]["since"]), (&false.into(), &7.into()));
            assert_eq!((&told["absent"], whole["peers"].as_object().map(serde_json::Map::len)), (&whole["absent"], Some(1)));
            let (told, whole) = read(mode, &[InputKey::Runtime]);
            assert!(told["absent"].is_null() && whole["absent"]["beta"].is_object());
        }
    }
}
