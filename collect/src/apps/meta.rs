//! What a `.meta` file says: which numbers lie where, under which labels. It reads no file.

use std::collections::BTreeMap;

use crate::procfs::{self, MAX_LABEL_BYTES};
use crate::series::{Labels, SampleKind};

/// Longest `.meta`, in bytes. Arbitrary: [`MAX_METRICS`] lines of 250 bytes.
pub(super) const MAX_META_BYTES: u64 = 64 << 10;
/// Longest part of `.values` that is read, in bytes; states take room, other values 8 bytes each.
pub(super) const MAX_VALUES_BYTES: u64 = 1 << 20;
/// Most metrics of one file.
pub(super) const MAX_METRICS: usize = 256;
/// Most pairs of a metric's JSON.
const MAX_PAIRS: usize = 16;
/// Longest name of a label, in bytes.
const MAX_KEY_BYTES: usize = 64;

/// Bytes of a number. A state begins with one.
const NUMBER: usize = 8;

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Meta {
    pub(super) metrics: Vec<Metric>,
    /// How many bytes of `.values` they need.
    pub(super) needed: usize,
    /// How many metrics are left out.
    pub(super) left_out: usize,
    /// Why the first of them is.
    pub(super) complaint: Option<String>,
}

/// One number.
#[derive(Debug, PartialEq)]
pub(super) struct Metric {
    pub(super) labels: Labels,
    offset: usize,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Counter,
    Signed,
    Float,
    State,
}

impl Metric {
    /// What the number means.
    pub(super) fn kind(&self) -> SampleKind {
        if self.form == Form::Counter { SampleKind::Counter } else { SampleKind::Gauge }
    }

    /// The number in `values`; `None` when it is not there, or for a state that is idle. `now_ms` is the wall clock.
    pub(super) fn value(&self, values: &[u8], now_ms: u64) -> Option<f64> {
        let bytes = *values.get(self.offset..)?.first_chunk::<NUMBER>()?;
        match self.form {
            Form::Counter => Some(u64::from_ne_bytes(bytes) as f64),
            Form::Signed => Some(i64::from_ne_bytes(bytes) as f64),
            Form::Float => Some(f64::from_ne_bytes(bytes)),
            Form::State => match u64::from_ne_bytes(bytes) {
                0 => None,
                since => Some(now_ms.saturating_sub(since) as f64 / 1000.0),
            },
        }
    }
}

/// Reads `text`. A line whose size is not understood spoils all after it, and so the file; one that is merely of no use is left out.
pub(super) fn parse(text: &[u8]) -> Result<Meta, String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut meta = Meta::default();
    let mut offset: usize = 0;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at_line = |what: &str| format!("line {}: {what}", index + 1);
        let (head, json) = line.split_once(':').map_or((line, None), |(head, json)| (head, Some(json.trim())));
        let mut words = head.split_ascii_whitespace();
        let (kind, size, parameter) = (words.next(), words.next().map(str::parse::<usize>), words.next());
        let (Some(kind), Some(Ok(size))) = (kind, size) else { return Err(at_line("expected `TYPE SIZE: {json}`")) };
        let end = offset.checked_add(size).filter(|end| *end as u64 <= MAX_VALUES_BYTES);
        let end = end.ok_or_else(|| at_line(&format!("the values take more than {MAX_VALUES_BYTES} bytes")))?;
        let form = match (kind, size, parameter) {
            ("counter", NUMBER, None) => Some(Form::Counter),
            ("level", NUMBER, Some("signed")) => Some(Form::Signed),
            ("level", NUMBER, Some("float")) => Some(Form::Float),
            ("state", NUMBER.., None) => Some(Form::State),
            _ => None,
        };
        if let (Some(form), Some(json)) = (form, json) {
            match labels(json).and_then(|labels| if meta.metrics.len() < MAX_METRICS { Ok(labels) } else { Err(too_many()) }) {
                Ok(labels) => {
                    meta.metrics.push(Metric { labels, offset, form });
                    meta.needed = offset + NUMBER;
                }
                Err(reason) => {
                    meta.left_out += 1;
                    meta.complaint.get_or_insert_with(|| at_line(&reason));
                }
            }
        }
        offset = end;
    }
    Ok(meta)
}

fn too_many() -> String {
    format!("more than {MAX_METRICS} metrics")
}

/// The pairs of a metric's JSON.
fn labels(json: &str) -> Result<Labels, String> {
    let labels: BTreeMap<String, String> =
        serde_json::from_str(json).map_err(|_| "after the colon an object of texts is expected".to_owned())?;
    let Some(metric) = labels.get("metric") else { return Err("it has no `metric`".to_owned()) };
    if procfs::is_reserved(metric) {
        return Err(format!("`{}` is a name of the machine's own figures, choose another", metric.escape_debug()));
    }
    if labels.len() > MAX_PAIRS {
        return Err(format!("more than {MAX_PAIRS} labels"));
    }
    let fits = |text: &str, limit: usize| text.len() <= limit && !text.contains(char::is_control);
    if labels.iter().any(|(key, value)| key.is_empty() || !fits(key, MAX_KEY_BYTES) || !fits(value, MAX_LABEL_BYTES)) {
        return Err(format!(
            "a label is empty, longer than {MAX_KEY_BYTES}, its value longer than {MAX_LABEL_BYTES} bytes, or no plain text"
        ));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels_of(meta: &Meta) -> Vec<&str> {
        meta.metrics.iter().map(|metric| metric.labels["metric"].as_str()).collect()
    }

    #[test]
    fn every_type_at_its_place() {
        // As an application wrote it that an agent of cantal 0.6.10 understood.
        let text = br#"counter 8: {"group": "webapp", "metric": "duration"}
level 8 signed: {"group": "webapp", "metric": "in_progress"}
level 8 float: {"group": "webapp", "metric": "load"}
counter 8: {"group": "webapp", "metric": "requests"}
pad 32
state 64: {"group": "webapp", "metric": "state"}"#;
        let meta = parse(text).unwrap();
        assert_eq!((labels_of(&meta), meta.needed, meta.left_out), (vec!["duration", "in_progress", "load", "requests", "state"], 72, 0));
        assert!(meta.metrics.iter().all(|metric| metric.labels["group"] == "webapp"));
        let mut values = [0; 128];
        let mut put = |offset: usize, bytes: [u8; 8]| values[offset..offset + 8].copy_from_slice(&bytes);
        put(0, 21_204_u64.to_ne_bytes());
        put(8, (-4_i64).to_ne_bytes());
        put(16, 4.275_f64.to_ne_bytes());
        put(24, 4_788_u64.to_ne_bytes());
        put(64, 1_795_289_938_880_u64.to_ne_bytes());
        let read = |values: &[u8], now| meta.metrics.iter().map(|metric| metric.value(values, now)).collect::<Vec<_>>();
        let numbers = [Some(21_204.0), Some(-4.0), Some(4.275), Some(4_788.0)];
        assert_eq!(read(&values, 1_795_289_940_380), [numbers.as_slice(), &[Some(1.5)]].concat());
        assert_eq!(read(&values, 0)[4], Some(0.0), "a state from the future has just begun");
        assert_eq!(read(&[0; 128], 1_795_289_940_380)[4], None, "idle");
        assert_eq!(read(&values[..71], 1_795_289_940_380), [numbers.as_slice(), &[None]].concat());
        assert_eq!(meta.metrics.iter().map(Metric::kind).filter(|kind| *kind == SampleKind::Counter).count(), 2);
    }

    #[test]
    fn what_is_not_known_is_skipped_by_its_size() {
        let text = br#"level 8 unsigned: {"metric": "a"}
histogram 24 wide: ["x"]
counter 4: {"metric": "b"}
state 4: {"metric": "c"}

counter 8: {"metric": "d"}
"#;
        let meta = parse(text).unwrap();
        assert_eq!((labels_of(&meta), meta.needed, meta.left_out), (vec!["d"], 48, 0));
    }

    #[test]
    fn a_file_with_a_line_of_unknown_size_is_refused() {
        let check = |text: &[u8], expect: &str| assert_eq!(parse(text).unwrap_err(), expect);
        check(b"\xff", "it is not UTF-8");
        check(b"\n\ncounter", "line 3: expected `TYPE SIZE: {json}`");
        check(b"counter -8: {}", "line 1: expected `TYPE SIZE: {json}`");
        check(b"counter 99999999999999999999: {}", "line 1: expected `TYPE SIZE: {json}`");
        check(b"{\"counter\": 8}", "line 1: expected `TYPE SIZE: {json}`");
        check(b"pad 1048577", "line 1: the values take more than 1048576 bytes");
        check(b"pad 1048576\npad 18446744073709551615", "line 2: the values take more than 1048576 bytes");
        assert_eq!(parse(b"pad 1048576\n"), Ok(Meta::default()));
        assert_eq!(parse(b""), Ok(Meta::default()));
    }

    #[test]
    fn metrics_with_labels_of_no_use_are_left_out() {
        let check = |json: &str, expect: &str| {
            let meta = parse(format!("counter 8: {json}\ncounter 8: {{\"metric\":\"ok\"}}\n").as_bytes()).unwrap();
            assert_eq!((labels_of(&meta), meta.needed, meta.left_out), (vec!["ok"], 16, 1), "{json}");
            assert_eq!(meta.complaint.unwrap(), format!("line 1: {expect}"));
        };
        check("{", "after the colon an object of texts is expected");
        check("[]", "after the colon an object of texts is expected");
        check(r#"{"metric":5}"#, "after the colon an object of texts is expected");
        check(&"[".repeat(10_000), "after the colon an object of texts is expected");
        check(r#"{"group":"x"}"#, "it has no `metric`");
        check(r#"{"metric":"cpu.busy"}"#, "`cpu.busy` is a name of the machine's own figures, choose another");
        let pairs: String = (0..MAX_PAIRS).map(|i| format!(r#","k{i}":"""#)).collect();
        check(&format!(r#"{{"metric":"m"{pairs}}}"#), "more than 16 labels");
        let label = "a label is empty, longer than 64, its value longer than 256 bytes, or no plain text";
        check(r#"{"metric":"m","":"x"}"#, label);
        check(r#"{"metric":"m","x":"\u0000"}"#, label);
        check(&format!(r#"{{"metric":"{}"}}"#, "m".repeat(257)), label);
        check(&format!(r#"{{"metric":"m","{}":""}}"#, "k".repeat(65)), label);
    }

    #[test]
    fn metrics_are_counted() {
        let lines: String = (0..MAX_METRICS + 2).map(|i| format!("counter 8: {{\"metric\":\"m{i}\"}}\n")).collect();
        let meta = parse(lines.as_bytes()).unwrap();
        assert_eq!((meta.metrics.len(), meta.needed, meta.left_out), (MAX_METRICS, MAX_METRICS * 8, 2));
        assert_eq!(meta.complaint.unwrap(), "line 257: more than 256 metrics");
    }
}
