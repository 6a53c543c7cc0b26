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
/// `runtime, parents, actions, peers, metrics`.
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
    text.snapshot(view, reads, |key| reads.wants(key));
    text.finish()
}

/// A scheduler's or a policy's document with the peers and metrics that the plugin read through the snapshot instead: for people, and
/// for deciding again elsewhere.
pub fn whole_document(document: &str, reads: &Reads, view: &SnapshotView) -> String {
    let mut text = Text::reopen(document);
    text.snapshot(view, reads, |key| !reads.wants(key));
    text.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::contract::InputMode;
    use crate::metrics::{Column, Combine, MetricRule, Take};
    use crate::peers::PeerTable;
    use crate::peers::tests::peer;
    use crate::snapshot::Snapshot;

    fn rule(metric: &str) -> MetricRule {
        let labels = BTreeMap::from([("metric".to_owned(), metric.to_owned())]);
        MetricRule { labels, take: Take::Last, window: Duration::ZERO, combine: Combine::Sum }
    }

    fn check(mode: InputMode, keys: &[InputKey], expect: &str) {
        let (peers, _) = PeerTable::new(vec![peer("alpha", 1), peer("beta", 2)]);
        let columns = BTreeMap::from([(rule("load"), Arc::new(Column::new(vec![0.1, f64::NAN])))]);
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
                r#""peers":{"alpha":{"id":"00000000000000000000000000000001","hostname":"alpha","name":"alpha.example.org","addr":null,"known_since":1000,"last_report_direct":null,"machine":{}},"#,
                r#""beta":{"id":"00000000000000000000000000000002","hostname":"beta","name":"beta.example.org","addr":null,"known_since":1000,"last_report_direct":null,"machine":{}}},"#,
                r#""metrics":{"load":[0.1,null],"unknown":[null,null]}}"#
            ),
        );
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
}
