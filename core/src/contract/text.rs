//! A document while it is written: pieces are copied behind each other, and nothing that is kept as text is read again.

use super::{InputKey, Reads, SnapshotView, VERSION};
use crate::ids::{NodeId, Round, Term, UnixMillis};
use crate::json::canonical::{write_integer, write_string};
use crate::names::Hostname;

/// What schedulers and policies are told first.
pub(super) struct Head<'a> {
    pub(super) now: UnixMillis,
    pub(super) round: Round,
    pub(super) term: Term,
    pub(super) current_host: &'a Hostname,
    pub(super) current_id: NodeId,
    pub(super) config: &'a str,
}

/// The text so far: an object that is still open.
pub(super) struct Text(Vec<u8>);

impl Text {
    /// Begins with the version; `bytes` more than a head are expected.
    pub(super) fn new(bytes: usize) -> Text {
        let mut out = Vec::with_capacity(512 + bytes);
        out.extend_from_slice(b"{\"v\":");
        write_integer(u64::from(VERSION), &mut out);
        Text(out)
    }

    /// Goes on where `document` ended.
    pub(super) fn reopen(document: &str) -> Text {
        Text(document.strip_suffix('}').unwrap_or(document).to_owned().into_bytes())
    }

    pub(super) fn head(&mut self, head: &Head<'_>) {
        self.number("now", head.now.0);
        self.number("round", head.round.0);
        self.number("term", head.term.counter);
        self.string("current_host", head.current_host.as_str());
        self.string("current_id", &head.current_id.to_string());
        self.json("config", head.config);
    }

    /// The parts of the snapshot that are `wanted`.
    pub(super) fn snapshot(&mut self, view: &SnapshotView, wanted: impl Fn(InputKey) -> bool) {
        if wanted(InputKey::Peers) {
            self.records("peers", view.snapshot().peers().json_rows());
        }
        let absent = view.snapshot().peers().absent_rows();
        if wanted(InputKey::Absent) && absent.len() > 0 {
            self.records("absent", absent);
        }
        if wanted(InputKey::Metrics) {
            self.object("metrics", view.metrics(), |name, out| {
                member(name, out);
                let values = view.column(name).unwrap_or_default();
                sequence(b'[', b']', values.iter(), out, |value, out| write_double(*value, out));
            });
        }
    }

    fn records<'a>(&mut self, key: &str, rows: impl Iterator<Item = (&'a Hostname, &'a str)>) {
        self.object(key, rows, |(hostname, row), out| {
            member(hostname.as_str(), out);
            out.extend_from_slice(row.as_bytes());
        });
    }

    pub(super) fn number(&mut self, key: &str, number: u64) {
        write_integer(number, self.value(key));
    }

    pub(super) fn string(&mut self, key: &str, text: &str) {
        write_string(text, self.value(key));
    }

    /// `text` is JSON already.
    pub(super) fn json(&mut self, key: &str, text: &str) {
        self.value(key).extend_from_slice(text.as_bytes());
    }

    pub(super) fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, write: impl FnMut(T, &mut Vec<u8>)) {
        sequence(b'[', b']', items, self.value(key), write);
    }

    /// `write` writes a key with [`member`] and its value.
    pub(super) fn object<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, write: impl FnMut(T, &mut Vec<u8>)) {
        sequence(b'{', b'}', items, self.value(key), write);
    }

    /// Where the value of `key` is to be written.
    pub(super) fn value(&mut self, key: &str) -> &mut Vec<u8> {
        self.0.push(b',');
        member(key, &mut self.0);
        &mut self.0
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).expect("made of texts and ASCII")
    }
}

/// About how long the peers and metrics of a document will be.
pub(super) fn snapshot_bytes(reads: &Reads, view: &SnapshotView) -> usize {
    let peers = view.snapshot().peers();
    let bytes = |(name, row): (&Hostname, &str)| name.as_str().len() + row.len() + 4;
    let rows: usize = if reads.wants(InputKey::Peers) { peers.json_rows().map(bytes).sum() } else { 0 };
    let absent: usize = if reads.wants(InputKey::Absent) { peers.absent_rows().map(bytes).sum() } else { 0 };
    // A double takes at most 25 bytes, and most take fewer.
    let metrics = if reads.wants(InputKey::Metrics) { view.metrics().len() * (peers.len() * 12 + 64) } else { 0 };
    rows + absent + metrics
}

/// An object's key; its value comes next.
pub(super) fn member(key: &str, out: &mut Vec<u8>) {
    write_string(key, out);
    out.push(b':');
}

fn sequence<T>(open: u8, close: u8, items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
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
