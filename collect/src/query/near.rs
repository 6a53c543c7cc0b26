//! What a query that matches nothing may have meant, among the series that there are. It changes no query.

use std::collections::BTreeMap;

use verwalter_core::metrics::{MatchOp, MetricRule};

use super::Query;
use crate::series::{self, Labels};

/// Most names that a warning carries.
pub const MAX_NEAR_MISSES: usize = 5;
/// Names are compared up to this many characters: the time grows with its square.
const COMPARED: usize = 64;

/// The series closest to what `rule` asks for, closest first, at most [`MAX_NEAR_MISSES`], written for a warning.
///
/// Where its metric is there, series of it with other labels: those that fail the fewest conditions. Else metrics with similar names.
pub fn near_misses<'a>(rule: &MetricRule, known: impl IntoIterator<Item = &'a Labels>) -> Vec<String> {
    let query = Query::compile(rule).unwrap_or_else(|_| Query::never(rule));
    let metric = query.of_metric();
    let names_metric = rule.labels.contains_key("metric") || rule.matchers.iter().any(|matcher| matcher.label == "metric");
    let wanted = wanted(rule);
    let mut same_metric = Vec::new();
    let mut similar = BTreeMap::new();
    for labels in known {
        if names_metric && metric.matches(labels) {
            same_metric.push((query.misses(labels), series::text(labels)));
        } else if let Some(distance) = wanted.and_then(|wanted| distance(wanted, name(labels))) {
            similar.insert(name(labels), distance);
        }
    }
    same_metric.sort();
    let mut similar: Vec<_> = similar.into_iter().map(|(name, distance)| (distance, name.to_owned())).collect();
    similar.sort();
    let near = if same_metric.is_empty() { similar } else { same_metric };
    near.into_iter().take(MAX_NEAR_MISSES).map(|(_, text)| text).collect()
}

fn name(labels: &Labels) -> &str {
    labels.get("metric").map_or("", String::as_str)
}

/// The metric that a rule names; a pattern is compared as if it were a name.
fn wanted(rule: &MetricRule) -> Option<&str> {
    let positive = |op: MatchOp| matches!(op, MatchOp::Equal | MatchOp::Like);
    let matcher = rule.matchers.iter().find(|matcher| matcher.label == "metric" && positive(matcher.op));
    rule.labels.get("metric").or(matcher.map(|matcher| &matcher.value)).map(String::as_str)
}

/// How far `name` is from `wanted`; `None`: too far to be meant.
fn distance(wanted: &str, name: &str) -> Option<usize> {
    let fold = |text: &str| -> Vec<char> {
        // What people mix up between one agent's names and another's.
        let plain = |c: char| if matches!(c, '_' | '-' | ':' | '/') { '.' } else { c.to_ascii_lowercase() };
        text.chars().filter(|c| *c != '\\').take(COMPARED).map(plain).collect()
    };
    let (wanted, name) = (fold(wanted), fold(name));
    if wanted.is_empty() || name.is_empty() {
        return None;
    }
    let edits = edits(&wanted, &name);
    if edits <= 1.max(wanted.len() / 3) {
        return Some(edits);
    }
    // `cpu` for `cpu.user`, `read.bytes` for `disk.read.bytes`: after the misspelled ones.
    let holds = |long: &[char], short: &[char]| short.len() >= 3 && long.windows(short.len()).any(|part| part == short);
    (holds(&name, &wanted) || holds(&wanted, &name)).then_some(COMPARED + edits)
}

/// Levenshtein's distance: letters put in, taken out or replaced.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut diagonal = row;
        above[0] = row + 1;
        for (column, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = above[column + 1];
            above[column + 1] = replaced.min(diagonal + 1).min(above[column] + 1);
        }
    }
    above[b.len()]
}
