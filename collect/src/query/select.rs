//! Which series people mean: names and conditions as words, as they stand on a command line or in a URL. It asks nobody.
//!
//! | word | chooses |
//! |---|---|
//! | `cpu.busy`, `disk.*` | the metric of that name, or of those names: `*` is anything |
//! | `interface=eth0`, `interface!~"lo\|veth.*"` | series whose label is so; with `=`, `!=`, `=~`, `!~` as in a manifest |
//! | `disk.read.bytes{device="sda"}` | both, as in PromQL and as warnings write series |
//!
//! Of several names one must fit, of several conditions all must hold.

use std::sync::Arc;

use regex::escape;
use verwalter_core::metrics::{MatchOp, Matcher, MetricRule};

use super::{Query, QueryError, near_misses};
use crate::series::Labels;

/// Most bytes of all words together. Arbitrary, above the longest pattern; in a URL it stays below what the API reads of one, escapes included.
pub const MAX_SELECTION_BYTES: usize = 4_096;
/// Most words. Arbitrary, likewise.
pub const MAX_SELECTION_WORDS: usize = 256;
/// Longest word that an error repeats, in characters.
const SHOWN_CHARS: usize = 100;

/// Words that choose no series. Whoever wrote them must write others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A word that says nothing.
    #[error("a selection is empty: write a metric, as in `cpu.*`, or a condition, as in `interface=eth0`")]
    Empty,
    /// More than anybody needs.
    #[error("the selection has {bytes} bytes: at most {MAX_SELECTION_BYTES} are possible")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// More words than anybody needs.
    #[error("the selection has more than {MAX_SELECTION_WORDS} words: write patterns")]
    TooMany,
    /// A word that cannot be understood.
    #[error("the selection `{word}` cannot be understood: {reason}")]
    Word {
        /// Its beginning.
        word: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Conditions that would hold for other names, too.
    #[error("`{word}` stands beside another metric: write its conditions as words of their own, they hold for all metrics")]
    Braces {
        /// Its beginning.
        word: String,
    },
    /// Conditions that cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// What was chosen, compiled.
#[derive(Debug, Clone)]
pub struct Selection {
    names: Vec<String>,
    conditions: MetricRule,
    query: Arc<Query>,
}

impl Selection {
    /// Reads `words`. Without any, every series is chosen.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Selection, SelectionError> {
        let mut names = Vec::new();
        let mut conditions = MetricRule::default();
        let (mut bytes, mut with_braces) = (0, None);
        for (place, word) in words.into_iter().enumerate() {
            let word = word.trim();
            if place >= MAX_SELECTION_WORDS {
                return Err(SelectionError::TooMany);
            }
            bytes += word.len();
            if bytes > MAX_SELECTION_BYTES {
                return Err(SelectionError::TooLong { bytes });
            }
            // A brace may stand in a condition's pattern: what comes first tells.
            match word.find(['{', '=', '!']).map(|at| (word.split_at(at), word.as_bytes()[at])) {
                None if word.is_empty() => return Err(SelectionError::Empty),
                None => names.push(word.to_owned()),
                Some(((name, inner), b'{')) => {
                    let inner = inner[1..].strip_suffix('}').ok_or_else(|| refused(word, &"it has no `}` at its end"))?;
                    for condition in split(inner) {
                        conditions.matchers.insert(condition.trim().parse().map_err(|error| refused(word, &error))?);
                    }
                    if !name.trim().is_empty() {
                        names.push(name.trim().to_owned());
                        with_braces = with_braces.or(Some(word).filter(|_| !inner.trim().is_empty()));
                    }
                }
                Some(_) => drop(conditions.matchers.insert(word.parse().map_err(|error| refused(word, &error))?)),
            }
        }
        if let Some(word) = with_braces.filter(|_| names.len() > 1) {
            return Err(SelectionError::Braces { word: shown(word) });
        }
        let query = Arc::new(Query::compile(&rule(&conditions, &names))?);
        Ok(Selection { names, conditions, query })
    }

    /// Whether every series is chosen.
    pub fn is_all(&self) -> bool {
        self.names.is_empty() && self.conditions.matchers.is_empty()
    }

    /// What it asks of a series.
    pub fn query(&self) -> &Arc<Query> {
        &self.query
    }

    /// What it may have meant where it chose nothing, among the series that there are.
    pub fn near<'a>(&self, known: impl IntoIterator<Item = &'a Labels> + Clone) -> Vec<String> {
        if self.names.len() < 2 {
            return near_misses(self.query.rule(), known);
        }
        // Each name by itself: all together are like none of them.
        let each = self.names.iter().map(|name| near_misses(&rule(&self.conditions, std::slice::from_ref(name)), known.clone()));
        let mut near: Vec<String> = Vec::new();
        for one in each.flatten() {
            if near.len() < super::MAX_NEAR_MISSES && !near.contains(&one) {
                near.push(one);
            }
        }
        near
    }
}

fn shown(word: &str) -> String {
    word.chars().take(SHOWN_CHARS).collect()
}

fn refused(word: &str, reason: &dyn ToString) -> SelectionError {
    SelectionError::Word { word: shown(word), reason: reason.to_string() }
}

/// The conditions, and one of `names`.
fn rule(conditions: &MetricRule, names: &[String]) -> MetricRule {
    let mut rule = conditions.clone();
    match names {
        [] => {}
        [name] if !name.contains('*') => drop(rule.labels.insert("metric".to_owned(), name.clone())),
        names => {
            let patterns: Vec<String> = names.iter().map(|name| name.split('*').map(escape).collect::<Vec<_>>().join(".*")).collect();
            rule.matchers.insert(Matcher { label: "metric".to_owned(), op: MatchOp::Like, value: patterns.join("|") });
        }
    }
    rule
}

/// At the commas that stand outside of quotation marks. A comma at the end is none, as in PromQL.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    if parts.last().is_some_and(|last| last.trim().is_empty()) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests;
