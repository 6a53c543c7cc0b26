//! What a series is: labels that tell it from others, what its numbers mean, and one number of it. It keeps none.

use std::collections::BTreeMap;

/// Most series that are kept of one machine. Arbitrary, above 400 interfaces (8 series each) beside 60 disks (11 each); a full hour of so
/// many takes about 10 MB.
pub const MAX_SERIES: usize = 4_096;

/// What tells one series from another; `metric` is always among the keys.
pub type Labels = BTreeMap<String, String>;

/// What a series' numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Only grows, until whatever counts is restarted.
    Counter,
    /// A level: goes up and down.
    Gauge,
}

/// One number of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which series.
    pub labels: Labels,
    /// What the series' numbers mean.
    pub kind: SampleKind,
    /// Seconds, bytes, a ratio or a count.
    pub value: f64,
}

/// How people write a series: `disk.read.bytes{device="sda",layer="physical"}`, values quoted as in PromQL.
pub fn text(labels: &Labels) -> String {
    let metric = labels.get("metric").map_or("", String::as_str);
    let escape = |value: &str| value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    let others = labels.iter().filter(|(label, _)| *label != "metric");
    let pairs: Vec<_> = others.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
    if pairs.is_empty() { metric.to_owned() } else { format!("{metric}{{{}}}", pairs.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_written_as_in_promql() {
        let check = |pairs: &[(&str, &str)], expect| {
            let labels = pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
            assert_eq!(text(&labels), expect);
        };
        check(&[("metric", "uptime")], "uptime");
        check(&[("metric", "disk.time"), ("layer", "a\"b\\"), ("device", "x\n")], r#"disk.time{device="x\n",layer="a\"b\\"}"#);
        check(&[("device", "sda")], r#"{device="sda"}"#);
    }
}
