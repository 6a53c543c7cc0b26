//! A policy's input document: the schedule in question, the one in force, and what would change. Built of kept texts like a scheduler's.

use super::text::{Head, Text, snapshot_bytes};
use super::{InputKey, Reads, SnapshotView};
use crate::diff::Diff;
use crate::ids::{NodeId, Round, Term, UnixMillis};
use crate::names::Hostname;
use crate::schedule::Schedule;

/// What goes into the document.
#[derive(Debug)]
pub struct ReviewInput<'a> {
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
    /// The policy's configuration, JSON text.
    pub config: &'a str,
    /// Operators' metadata, JSON text.
    pub runtime: &'a str,
    /// The schedule that is to come into force.
    pub schedule: &'a Schedule,
    /// The schedule in force, when there is one.
    pub previous: Option<&'a Schedule>,
    /// What changes from `previous` to `schedule`.
    pub diff: &'a Diff,
}

/// The document's JSON text: `v, now, round, term, current_host, current_id, config, schedule, previous, diff` and what `reads` wants of
/// `runtime, peers, absent, metrics`. The view's parent is to be `previous`, so that `placed.ROLE` tells what runs now.
pub fn review_document(input: &ReviewInput<'_>, reads: &Reads, view: &SnapshotView) -> String {
    let previous = input.previous.map_or("null", Schedule::canonical);
    let copied = input.config.len() + input.runtime.len() + input.schedule.canonical().len() + previous.len();
    let mut text = Text::new(copied + snapshot_bytes(reads, view));
    text.head(&Head {
        now: input.now,
        round: input.round,
        term: input.term,
        current_host: input.current_host,
        current_id: input.current_id,
        config: input.config,
    });
    text.json("schedule", input.schedule.canonical());
    text.json("previous", previous);
    serde_json::to_writer(text.value("diff"), input.diff).expect("a diff has text keys and whole numbers");
    if reads.wants(InputKey::Runtime) {
        text.json("runtime", input.runtime);
    }
    text.snapshot(view, |key| reads.wants(key));
    text.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::admit::tests::schedule;
    use crate::contract::{InputMode, whole_document};
    use crate::peers::PeerTable;
    use crate::peers::tests::peer;
    use crate::snapshot::Snapshot;

    fn check(previous: Option<&str>, mode: InputMode, keys: &[InputKey], expect: &str) {
        let alpha = peer("alpha", 1);
        let (peers, _) = PeerTable::new(vec![alpha.clone()]);
        let new = schedule(r#"{"roles":{"web":{"place":{"alpha":2}}}}"#);
        let previous = previous.map(schedule);
        let diff = Diff::between(previous.as_ref(), &new, &peers);
        let snapshot = Snapshot::new(UnixMillis(5), Arc::new(peers), BTreeMap::new()).expect("columns fit");
        let reads = Reads { mode, keys: keys.to_vec(), metrics: BTreeMap::new() };
        let view = SnapshotView::new(Arc::new(snapshot), &reads, previous.as_slice());
        let input = ReviewInput {
            now: UnixMillis(7),
            round: Round(3),
            term: Term { counter: 2, leader: alpha.id },
            current_host: &alpha.hostname,
            current_id: alpha.id,
            config: "{}",
            runtime: r#"{"web":{}}"#,
            schedule: &new,
            previous: previous.as_ref(),
            diff: &diff,
        };
        let text = review_document(&input, &reads, &view);
        let fixed =
            r#"{"v":1,"now":7,"round":3,"term":2,"current_host":"alpha","current_id":"00000000000000000000000000000001","config":{},"#;
        assert_eq!(text.strip_prefix(fixed), Some(expect));
        let whole: serde_json::Value = serde_json::from_str(&whole_document(&text, &reads, &view)).expect("the whole document is JSON");
        assert_eq!(whole["peers"]["alpha"]["hostname"], "alpha");
        assert_eq!(whole["metrics"], serde_json::json!({}));
    }

    #[test]
    fn the_first_schedule() {
        check(
            None,
            InputMode::Columns,
            &InputKey::ALL,
            concat!(
                r#""schedule":{"nodes":{"alpha":{"roles":{"web":{"instances":2}}}},"roles":{"web":{}}},"previous":null,"#,
                r#""diff":{"added":{"web":{"alpha":2}},"removed":{},"moved":{},"changed":{}},"runtime":{"web":{}}}"#
            ),
        );
    }

    #[test]
    fn a_later_one_with_peers_and_without_what_is_not_read() {
        check(
            Some(r#"{"roles":{"web":{"place":{"alpha":3}}}}"#),
            InputMode::Document,
            &[InputKey::Peers, InputKey::Parents, InputKey::Actions],
            concat!(
                r#""schedule":{"nodes":{"alpha":{"roles":{"web":{"instances":2}}}},"roles":{"web":{}}},"#,
                r#""previous":{"nodes":{"alpha":{"roles":{"web":{"instances":3}}}},"roles":{"web":{}}},"#,
                r#""diff":{"added":{},"removed":{"web":{"alpha":1}},"moved":{},"changed":{}},"#,
                r#""peers":{"alpha":{"id":"00000000000000000000000000000001","hostname":"alpha","name":"alpha.example.org","addr":null,"known_since":1000,"last_report_direct":null,"alive":true,"since":1000,"machine":{}}}}"#
            ),
        );
    }
}
