//! A machine with a cantal agent, as far as queries go: conditions and windows as in 0.6.10, answers in its CBOR.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::condition;

/// The numbers of one series, newest first; `None`: that scan found nothing.
#[derive(Debug, Clone)]
pub(crate) enum Chunk {
    Counter(Vec<Option<u64>>),
    Float(Vec<Option<f64>>),
}

/// What an agent knows: the times of its scans, newest first, in milliseconds of its own clock, and its series on them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machine {
    pub(crate) scans: Vec<u64>,
    pub(crate) series: Vec<(BTreeMap<String, String>, Chunk)>,
}

impl Machine {
    /// Looked at its machine `count` times, every 2 s, last at `newest`.
    pub(crate) fn scanned(newest: u64, count: u64) -> Machine {
        let mut machine = Machine { scans: (0..count).map(|scan| newest - 2_000 * scan).collect(), series: Vec::new() };
        let uptime = (0..count).map(|scan| Some((1_000 - 2 * scan) as f64)).collect();
        machine.put(&[("metric", "uptime")], Chunk::Float(uptime));
        machine
    }

    pub(crate) fn put(&mut self, labels: &[(&str, &str)], chunk: Chunk) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.series.push((labels, chunk));
    }

    /// The body that answers this body of a question.
    pub(crate) fn answer(&self, question: &str) -> Vec<u8> {
        let question: Value = serde_json::from_str(question).expect("JSON");
        let rules = question["rules"].as_object().expect("rules");
        let mut out = Vec::new();
        head(&mut out, 5, 1);
        text(&mut out, "values");
        head(&mut out, 5, rules.len() as u64);
        for (name, rule) in rules {
            text(&mut out, name);
            self.data_set(&mut out, rule);
        }
        out
    }

    fn data_set(&self, out: &mut Vec<u8>, rule: &Value) {
        assert_eq!((&rule["series"]["source"], &rule["functions"]), (&"Fine".into(), &Value::Array(Vec::new())));
        assert_eq!(rule["extract"][0], "HistoryByTime");
        let window = rule["extract"][1].as_u64().expect("milliseconds");
        let newest = self.scans.first().copied().unwrap_or_default();
        let before = self.scans.iter().take_while(|scan| newest - **scan < window).count();
        // The first one that is older counts, too.
        let count = self.scans.len().min(before + 1);
        let chosen: Vec<_> = self.series.iter().filter(|(labels, _)| condition::holds(&rule["series"]["condition"], labels)).collect();
        head(out, 4, 2);
        head(out, 0, 101);
        head(out, 4, chosen.len() as u64);
        for (labels, chunk) in chosen {
            head(out, 4, 3);
            let mut key = Vec::new();
            head(&mut key, 5, labels.len() as u64);
            for (label, value) in labels {
                text(&mut key, label);
                text(&mut key, value);
            }
            head(out, 2, key.len() as u64);
            out.extend(key);
            head(out, 4, 2);
            match chunk {
                Chunk::Counter(values) => {
                    head(out, 0, 1);
                    let told = without_peaks(values);
                    optional(out, &told[..count.min(told.len())], |out, value| head(out, 0, value));
                }
                Chunk::Float(values) => {
                    head(out, 0, 3);
                    optional(out, &values[..count.min(values.len())], |out, value| {
                        out.push(0xfb);
                        out.extend(value.to_be_bytes());
                    });
                }
            }
            head(out, 4, count as u64);
            self.scans[..count].iter().for_each(|scan| head(out, 0, *scan));
        }
    }
}

/// What cantal hands out of whole numbers: not the sample after which they fell.
fn without_peaks(values: &[Option<u64>]) -> Vec<Option<u64>> {
    let mut newer = u64::MAX;
    let tell = |value: &Option<u64>| {
        let told = value.filter(|value| *value <= newer);
        newer = value.unwrap_or(newer);
        told
    };
    values.iter().map(tell).collect()
}

fn optional<T: Copy>(out: &mut Vec<u8>, values: &[Option<T>], put: impl Fn(&mut Vec<u8>, T)) {
    head(out, 4, values.len() as u64);
    for value in values {
        match value {
            Some(value) => put(out, *value),
            None => out.push(0xf6),
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len() as u64);
    out.extend(text.as_bytes());
}

/// The type and length, or number, of a value (RFC 8949).
pub(crate) fn head(out: &mut Vec<u8>, kind: u8, number: u64) {
    let kind = kind << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..=23 => out.push(kind | bytes[7]),
        24..=0xff => out.extend([kind | 24, bytes[7]]),
        0x100..=0xffff => out.extend([&[kind | 25], &bytes[6..]].concat()),
        0x1_0000..=0xffff_ffff => out.extend([&[kind | 26], &bytes[4..]].concat()),
        _ => out.extend([&[kind | 27], &bytes[..]].concat()),
    }
}
