//! Whether a metric of Prometheus is a counter: as exporters declare it, else as its name and the rule suggest. It asks nobody.

use std::collections::BTreeMap;

use verwalter_core::metrics::Take;

use crate::series::SampleKind;

/// What exporters declare, by metric name.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds(pub(super) BTreeMap<String, String>);

impl Kinds {
    /// What the numbers of the metric `name` mean to a rule with `take`.
    pub(super) fn of(&self, name: &str, take: Take) -> SampleKind {
        self.declared(name).unwrap_or_else(|| {
            // Whoever asks for a rate says that it is a counter.
            let counts = take == Take::Rate || COUNTING.iter().any(|ending| name.ends_with(ending));
            if counts { SampleKind::Counter } else { SampleKind::Gauge }
        })
    }

    /// What is declared of `name`, or of the histogram or summary that it is part of.
    pub(super) fn declared(&self, name: &str) -> Option<SampleKind> {
        let kind = |name: &str| self.0.get(name).map(String::as_str);
        match kind(name) {
            Some("counter") => return Some(SampleKind::Counter),
            // A summary under its own name has quantiles.
            Some("gauge" | "summary" | "gaugehistogram" | "info" | "stateset") => return Some(SampleKind::Gauge),
            _ => {}
        }
        // OpenMetrics declares a counter without its ending.
        if let Some("counter") = name.strip_suffix("_total").and_then(kind) {
            return Some(SampleKind::Counter);
        }
        let whole = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part));
        matches!(whole.and_then(kind), Some("histogram" | "summary")).then_some(SampleKind::Counter)
    }
}

/// How the names of counters end, by the conventions of Prometheus.
const COUNTING: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_come_before_names() {
        let declared = [("a", "counter"), ("b_total", "gauge"), ("h", "histogram"), ("s", "summary"), ("o", "counter"), ("u", "unknown")];
        let kinds = Kinds(declared.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into());
        let check = |name: &str, take, expect| assert_eq!(kinds.of(name, take), expect, "{name}");
        check("a", Take::Delta, SampleKind::Counter);
        check("b_total", Take::Rate, SampleKind::Gauge);
        check("h_bucket", Take::Delta, SampleKind::Counter);
        check("s", Take::Rate, SampleKind::Gauge);
        check("s_count", Take::Delta, SampleKind::Counter);
        check("o_total", Take::Delta, SampleKind::Counter);
        check("u", Take::Rate, SampleKind::Counter);
        check("u", Take::Delta, SampleKind::Gauge);
        check("unheard_of_total", Take::Delta, SampleKind::Counter);
        check("unheard_of", Take::Delta, SampleKind::Gauge);
    }
}
