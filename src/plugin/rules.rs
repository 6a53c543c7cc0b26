//! The `metrics` of a manifest: each entry becomes a rule. It compiles none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use verwalter_collect::query::{self, MAX_BY, MAX_MATCHERS};
use verwalter_core::contract::is_host_column;
use verwalter_core::metrics::{Combine, Matcher, MetricRule, Source, Take, is_label};
use verwalter_core::plain::plain;

use crate::config::units::TimeSpan;

/// Metrics of one plugin: each is a column of numbers that is kept for every peer, or several with `by`.
const MAX_METRICS: usize = 256;
/// Longest name of a metric as the plugin sees it, in bytes.
const MAX_ALIAS: usize = 64;
/// How far back samples count unless the manifest says otherwise: a few samples more than noise needs.
const DEFAULT_WINDOW: Duration = Duration::from_secs(30);
/// Shortest window: half a step of the agent.
const MIN_WINDOW: Duration = Duration::from_secs(1);
/// Longest window: the agent keeps one hour of history.
const MAX_WINDOW: Duration = Duration::from_secs(3600);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRule {
    metric: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default, rename = "match")]
    matchers: Vec<String>,
    #[serde(default)]
    take: Take,
    #[serde(default)]
    window: Option<TimeSpan>,
    #[serde(default)]
    combine: Combine,
    #[serde(default)]
    by: Vec<String>,
    #[serde(default)]
    source: Option<Source>,
}

/// The rules, by the names under which the plugin sees them; what is wrong goes to `refuse` with the keys that lead to it.
pub(super) fn check(raw: BTreeMap<String, RawRule>, refuse: &mut dyn FnMut(&[&str], String)) -> BTreeMap<String, MetricRule> {
    if raw.len() > MAX_METRICS {
        refuse(&["metrics"], format!("has {} entries: at most {MAX_METRICS} are possible", raw.len()));
        // Each further mistake would cost a search through the whole file.
        return BTreeMap::new();
    }
    let mut rules = BTreeMap::new();
    for (alias, raw) in raw {
        if !is_alias(&alias) {
            refuse(&["metrics", &alias], format!("a metric's name must be `[a-z_][a-z0-9_.]*`, at most {MAX_ALIAS} characters"));
        } else if is_host_column(&alias) {
            refuse(
                &["metrics", &alias],
                "is a column of the host's, which the plugin could not read any more: take another name".to_owned(),
            );
        }
        let mut sound = true;
        let rule = check_rule(raw, &mut |keys, message| {
            sound = false;
            let keys: Vec<&str> = ["metrics", &alias].into_iter().chain(keys.iter().copied()).collect();
            refuse(&keys, message);
        });
        if sound && let Err(err) = query::check(&rule) {
            refuse(&["metrics", &alias], err.to_string());
        }
        rules.insert(alias, rule);
    }
    rules
}

fn check_rule(raw: RawRule, refuse: &mut dyn FnMut(&[&str], String)) -> MetricRule {
    for reserved in ["metric", "group"].into_iter().filter(|key| raw.labels.contains_key(*key)) {
        refuse(&["labels", reserved], format!("write `{reserved}: …` beside `labels`, not in it"));
    }
    if raw.metric.is_empty() {
        refuse(&["metric"], "is empty, and no series is called that: write the name of one".to_owned());
    }
    // How many there are before what is in them: a file may hold as many as it has bytes.
    for (key, count, greatest) in
        [("labels", raw.labels.len(), MAX_MATCHERS), ("match", raw.matchers.len(), MAX_MATCHERS), ("by", raw.by.len(), MAX_BY)]
    {
        if count > greatest {
            refuse(&[key], format!("has {count} entries: at most {greatest} are possible"));
            return MetricRule::default();
        }
    }
    let no_label = |text: &str| format!("`{}` is no label: write `[a-zA-Z_][a-zA-Z0-9_.]*`", clip(text));
    for label in raw.labels.keys().filter(|label| !is_label(label)) {
        refuse(&["labels", label], no_label(label));
    }
    for label in raw.by.iter().filter(|label| !is_label(label)) {
        refuse(&["by"], no_label(label));
    }
    let window = raw.window.map_or(DEFAULT_WINDOW, |window| window.0);
    if !(MIN_WINDOW..=MAX_WINDOW).contains(&window) {
        let range = format!("{} to {}", TimeSpan(MIN_WINDOW), TimeSpan(MAX_WINDOW));
        refuse(&["window"], format!("{} is out of range: write {range}", TimeSpan(window)));
    }
    let mut matchers = BTreeSet::new();
    for text in &raw.matchers {
        match text.parse::<Matcher>() {
            Ok(matcher) => _ = matchers.insert(matcher),
            Err(err) => refuse(&["match"], format!("`{}`: {err}", clip(text))),
        }
    }
    let mut labels = raw.labels;
    labels.insert("metric".to_owned(), raw.metric);
    labels.extend(raw.group.map(|group| ("group".to_owned(), group)));
    // Without meaning for the newest sample: one value for it lets equal rules share one column.
    let window = if raw.take == Take::Last { Duration::ZERO } else { window };
    let by = raw.by.into_iter().collect();
    MetricRule { labels, matchers, take: raw.take, window, combine: raw.combine, by, source: raw.source }
}

/// The beginning of a text that its writer chose, as messages show it.
fn clip(text: &str) -> String {
    plain(text, MAX_ALIAS)
}

fn is_alias(name: &str) -> bool {
    let begins = name.as_bytes().first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    begins && name.len() <= MAX_ALIAS && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'))
}
