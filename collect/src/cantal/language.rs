//! A set of queries in cantal's query language, and what an agent's answers to it mean for the set.
//!
//! The agent only chooses series and hands out their samples: windows, rates and sums are made here, since cantal's own rate underflows when
//! a counter is reset, its sums demand equal times, and its other extracts tell stale values for new ones (`Tip`) or end the agent where a
//! series has no sample (`DiffToAtMost`). What it chooses may be more than was asked; the set itself looks at the labels again.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use verwalter_core::metrics::{MatchOp, Matcher, MetricRule};

use super::agent::QUERY_TEXT_BYTES;
use super::answer::{DataSet, DataSets, Sampled};
use super::units;
use crate::query::{QuerySet, SeriesView};
use crate::series::{Labels, SampleKind};

/// How many scans of the agent make a newest sample say nothing about now, as for the built-in agent.
const STALE_SCANS: u32 = 3;
/// Samples beyond the window that are asked for: a rate takes the nearest older one, and the agent's scans are seldom exactly on time.
const MORE_SCANS: u32 = 2;
/// Longest past that is asked for: an agent keeps an hour unless told otherwise.
const MAX_PAST: Duration = Duration::from_secs(86_400);
/// A series that every agent takes at every scan: its newest time is that of the newest scan.
const EVERY_SCAN: &str = "uptime";

/// A set of queries as an agent is asked for it.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// One request each, as JSON.
    pub(super) texts: Vec<String>,
    /// What each rule of the requests is for, by its name there.
    purposes: BTreeMap<String, Vec<u16>>,
    scan: Duration,
}

/// What an agent's samples are.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples {
    /// In our names and units, each series once.
    pub(super) series: Vec<Sampled>,
    /// When the agent last looked at its machine, by its own wall clock since 1970; `None`: it has no sample of anything.
    pub(super) newest: Option<Duration>,
    /// What it refused, in words, by the query's place in the set.
    pub(super) refused: BTreeMap<u16, String>,
}

impl Program {
    /// Compiles `set` for agents that look at their machines every `scan`.
    pub(super) fn compile(set: &QuerySet, scan: Duration) -> Program {
        let mut selections: BTreeMap<String, (Value, Duration, Vec<u16>)> = BTreeMap::new();
        let mut select = |condition: Value, window: Duration, place: Option<u16>| {
            let selection = selections.entry(condition.to_string()).or_insert_with(|| (condition, Duration::ZERO, Vec::new()));
            selection.1 = selection.1.max(window);
            selection.2.extend(place);
        };
        let least = scan.saturating_mul(STALE_SCANS);
        select(json!(["Eq", "metric", EVERY_SCAN]), least, None);
        for (place, query) in set.asked() {
            if set.errors().iter().any(|(bad, _)| *bad == place) {
                continue;
            }
            let window = query.rule().window.max(least);
            if query.matches(&units::busy_labels()) {
                select(json!(["RegexLike", "metric", units::busy_pattern()]), window, Some(place));
            }
            select(condition(query.rule()), window, Some(place));
        }
        let mut program = Program { texts: Vec::new(), purposes: BTreeMap::new(), scan };
        let mut text = String::new();
        for (number, (_, (condition, window, places))) in (0..).zip(selections) {
            let name = format!("q{number}");
            let past = window.saturating_add(scan.saturating_mul(MORE_SCANS)).min(MAX_PAST);
            let millis = u64::try_from(past.as_millis()).expect("a day's milliseconds fit");
            let series = json!({ "source": "Fine", "condition": condition });
            let rule = json!({ "series": series, "extract": ["HistoryByTime", millis], "functions": [] });
            let entry = format!("{}:{rule}", json!(name));
            if !text.is_empty() && text.len() + entry.len() > QUERY_TEXT_BYTES {
                program.texts.push(closed(&text));
                text.clear();
            }
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&entry);
            program.purposes.insert(name, places);
        }
        program.texts.push(closed(&text));
        program
    }

    /// Whether a rule of the requests has this name.
    pub(super) fn asks(&self, name: &str) -> bool {
        self.purposes.contains_key(name)
    }

    /// How old a newest sample may be and still say something about now.
    pub(super) fn stale(&self) -> Duration {
        self.scan.saturating_mul(STALE_SCANS)
    }

    /// What the agent's answers, one a request, say together.
    pub(super) fn read(&self, answers: Vec<DataSets>) -> Samples {
        let mut samples = Samples::default();
        let mut by_labels: BTreeMap<Labels, Sampled> = BTreeMap::new();
        let mut scanned = None;
        for (name, set) in answers.into_iter().flatten() {
            let found = match set {
                DataSet::Empty => continue,
                DataSet::Refused(why) => {
                    let places = self.purposes.get(&name).into_iter().flatten();
                    samples.refused.extend(places.map(|place| (*place, why.clone())));
                    continue;
                }
                DataSet::Series(found) => found,
            };
            for series in found {
                let newest = series.samples.first().map(|(at, _)| *at);
                samples.newest = samples.newest.max(newest);
                if is_every_scan(&series.labels) {
                    scanned = scanned.max(newest);
                }
                // Two queries may choose the same series over different windows.
                match by_labels.get_mut(&series.labels) {
                    Some(known) if known.samples.len() >= series.samples.len() => {}
                    Some(known) => *known = series,
                    None => {
                        by_labels.insert(series.labels.clone(), series);
                    }
                }
            }
        }
        // One series whose time is ahead would make all others look old.
        samples.newest = scanned.or(samples.newest);
        samples.series = units::normalise(by_labels.into_values().collect());
        let busy = units::busy(&samples.series);
        if !busy.samples.is_empty() && !samples.series.iter().any(|series| series.labels == busy.labels) {
            samples.series.push(busy);
        }
        samples
    }
}

impl SeriesView for Sampled {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn kind(&self) -> SampleKind {
        self.kind
    }

    fn newest_first(&self) -> impl Iterator<Item = (Duration, f64)> {
        self.samples.iter().copied()
    }
}

/// Whether these are the labels of [`EVERY_SCAN`], and of no application's series of that name.
fn is_every_scan(labels: &Labels) -> bool {
    labels.len() == 1 && labels.get("metric").is_some_and(|metric| metric == EVERY_SCAN)
}

fn closed(rules: &str) -> String {
    format!("{{\"rules\":{{{rules}}}}}")
}

/// Which series `rule` means. With cantal a label that a series does not have makes every comparison false; with PromQL, and here, it is an
/// empty text.
fn condition(rule: &MetricRule) -> Value {
    let equal = rule.labels.iter().filter(|(label, _)| *label != units::LAYER).map(|(label, value)| is(label, value));
    let others = rule.matchers.iter().filter(|matcher| matcher.label != units::LAYER).map(compare);
    all(equal.chain(others).collect())
}

fn is(label: &str, value: &str) -> Value {
    let equal = json!(["Eq", label, value]);
    if value.is_empty() { json!(["Or", equal, lacks(label)]) } else { equal }
}

fn compare(matcher: &Matcher) -> Value {
    let Matcher { label, op, value } = matcher;
    match op {
        MatchOp::Equal => is(label, value),
        MatchOp::NotEqual => json!(["Not", is(label, value)]),
        MatchOp::Like => like(label, value),
        MatchOp::Unlike => json!(["Not", like(label, value)]),
    }
}

fn like(label: &str, pattern: &str) -> Value {
    let anchored = format!("^(?s:{pattern})$");
    let of_nothing = Regex::new(&anchored).is_ok_and(|regex| regex.is_match(""));
    let like = json!(["RegexLike", label, anchored]);
    if of_nothing { json!(["Or", like, lacks(label)]) } else { like }
}

fn lacks(label: &str) -> Value {
    json!(["Not", ["Has", label]])
}

/// All of them hold. Cantal's `And` takes two; a tree of them stays far below the depth at which its JSON reader stops.
fn all(mut conditions: Vec<Value>) -> Value {
    while conditions.len() > 1 {
        let mut pairs = conditions.into_iter();
        let mut joined = Vec::new();
        while let Some(first) = pairs.next() {
            joined.push(match pairs.next() {
                Some(second) => json!(["And", first, second]),
                None => first,
            });
        }
        conditions = joined;
    }
    // There is no constant that is true.
    conditions.pop().unwrap_or_else(|| json!(["Or", ["Has", "metric"], lacks("metric")]))
}

#[cfg(test)]
mod tests;
