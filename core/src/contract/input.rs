//! A scheduler's input document. Built of texts that are kept ready, so that a round at 10,000 peers copies and never serialises.

use super::{InputKey, Reads, SnapshotView, VERSION};
use crate::ids::{NodeId, Round, Term, UnixMillis};
use crate::json::canonical::{write_integer, write_string};
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
    let peers = view.snapshot().peers();
    let rows =
        if reads.wants(InputKey::Peers) { peers.json_rows().map(|(name, row)| name.as_str().len() + row.len() + 4).sum() } else { 0 };
    let parents: usize = input.parents.iter().map(|parent| parent.canonical().len() + 1).sum();
    // A double takes at most 25 bytes, and most take fewer.
    let metrics = if reads.wants(InputKey::Metrics) { reads.metrics.len() * (peers.len() * 12 + 64) } else { 0 };
    let capacity = 512 + input.config.len() + input.runtime.len() + input.actions.len() + rows + parents + metrics;
    let mut out = Vec::with_capacity(capacity);

    out.extend_from_slice(b"{\"v\":");
    write_integer(u64::from(VERSION), &mut out);
    for (key, number) in [("now", input.now.0), ("round", input.round.0), ("term", input.term.counter)] {
        begin(key, &mut out);
        write_integer(number, &mut out);
    }
    begin("current_host", &mut out);
    write_string(input.current_host.as_str(), &mut out);
    begin("current_id", &mut out);
    write_string(&input.current_id.to_string(), &mut out);
    begin("config", &mut out);
    out.extend_from_slice(input.config.as_bytes());
    if reads.wants(InputKey::Runtime) {
        begin("runtime", &mut out);
        out.extend_from_slice(input.runtime.as_bytes());
    }
    if reads.wants(InputKey::Parents) {
        begin("parents", &mut out);
        list(b'[', b']', input.parents, &mut out, |parent, out| out.extend_from_slice(parent.canonical().as_bytes()));
    }
    if reads.wants(InputKey::Actions) {
        begin("actions", &mut out);
        out.extend_from_slice(input.actions.as_bytes());
    }
    if reads.wants(InputKey::Peers) {
        write_peers(view, &mut out);
    }
    if reads.wants(InputKey::Metrics) {
        write_metrics(reads, view, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out).expect("made of texts and ASCII")
}

/// A document with the peers and metrics that its plugin read through the snapshot instead: for people, and for deciding again elsewhere.
pub fn whole_document(document: &str, reads: &Reads, view: &SnapshotView) -> String {
    let mut out = document.strip_suffix('}').unwrap_or(document).to_owned().into_bytes();
    if !reads.wants(InputKey::Peers) {
        write_peers(view, &mut out);
    }
    if !reads.wants(InputKey::Metrics) {
        write_metrics(reads, view, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out).expect("made of texts and ASCII")
}

fn write_peers(view: &SnapshotView, out: &mut Vec<u8>) {
    begin("peers", out);
    list(b'{', b'}', view.snapshot().peers().json_rows(), out, |(hostname, row), out| {
        write_string(hostname.as_str(), out);
        out.push(b':');
        out.extend_from_slice(row.as_bytes());
    });
}

fn write_metrics(reads: &Reads, view: &SnapshotView, out: &mut Vec<u8>) {
    begin("metrics", out);
    list(b'{', b'}', reads.metrics.keys(), out, |name, out| {
        write_string(name, out);
        out.push(b':');
        let values = view.column(name).unwrap_or_default();
        list(b'[', b']', values.iter(), out, |value, out| write_double(*value, out));
    });
}

fn begin(key: &str, out: &mut Vec<u8>) {
    out.push(b',');
    write_string(key, out);
    out.push(b':');
}

fn list<T>(open: u8, close: u8, items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

/// JSON has no NaN: no sample is `null`.
fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        serde_json::to_writer(out, &value).expect("writing to memory does not fail");
    } else {
        out.extend_from_slice(b"null");
    }
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
