//! Conditions on labels, with PromQL's meaning: a label that a series does not have is an empty text. It sees no samples.

use regex::{Regex, RegexBuilder};
use verwalter_core::metrics::{MatchOp, Matcher, MetricRule};

use crate::series::Labels;

/// Longest pattern, in bytes: above any list of a few dozen devices.
pub const MAX_PATTERN_BYTES: usize = 1_024;
/// Most conditions of one rule, `labels` included. Arbitrary, above any sensible one: each is looked at for every series.
pub const MAX_MATCHERS: usize = 32;
/// Most labels in `by`. Arbitrary, above interface, queue and direction.
pub const MAX_BY: usize = 8;
/// Most memory of one compiled pattern, in bytes: `\w{100}` takes about as much.
const PATTERN_MEMORY_BYTES: usize = 1 << 20;

/// A rule that cannot be asked: its author's mistake. The rules beside it are not touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A pattern that is none.
    #[error("`{pattern}`, asked of the label `{label}`, is no regular expression: {reason}")]
    Pattern {
        /// The label that it is asked of.
        label: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern that is too long to be tried on every series.
    #[error("the pattern asked of the label `{label}` has {bytes} bytes: at most {MAX_PATTERN_BYTES} are possible")]
    Length {
        /// The label that it is asked of.
        label: String,
        /// Its length.
        bytes: usize,
    },
    /// Too many conditions.
    #[error("there are {count} conditions on labels: at most {MAX_MATCHERS} are possible")]
    Matchers {
        /// How many.
        count: usize,
    },
    /// Too many labels to group by.
    #[error("there are {count} labels in `by`: at most {MAX_BY} are possible")]
    By {
        /// How many.
        count: usize,
    },
}

/// Whether `rule` can be asked, for whoever reads it from a file.
pub fn check(rule: &MetricRule) -> Result<(), QueryError> {
    Query::compile(rule).map(drop)
}

/// A rule whose conditions are compiled.
#[derive(Debug, Clone)]
pub struct Query {
    rule: MetricRule,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    label: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Like(Regex),
    Unlike(Regex),
    Never,
}

impl Query {
    /// Compiles the conditions of `rule`.
    pub fn compile(rule: &MetricRule) -> Result<Query, QueryError> {
        let count = rule.labels.len() + rule.matchers.len();
        if count > MAX_MATCHERS {
            return Err(QueryError::Matchers { count });
        }
        if rule.by.len() > MAX_BY {
            return Err(QueryError::By { count: rule.by.len() });
        }
        let equal = |(label, value): (&String, &String)| Condition { label: label.clone(), test: Test::Equal(value.clone()) };
        let mut conditions: Vec<_> = rule.labels.iter().map(equal).collect();
        for matcher in &rule.matchers {
            let test = match matcher.op {
                MatchOp::Equal => Test::Equal(matcher.value.clone()),
                MatchOp::NotEqual => Test::NotEqual(matcher.value.clone()),
                MatchOp::Like => Test::Like(anchored(matcher)?),
                MatchOp::Unlike => Test::Unlike(anchored(matcher)?),
            };
            conditions.push(Condition { label: matcher.label.clone(), test });
        }
        // Comparing texts is cheaper than a pattern, and most series fail one of them.
        conditions.sort_by_key(|condition| matches!(condition.test, Test::Like(_) | Test::Unlike(_)));
        Ok(Query { rule: rule.clone(), conditions })
    }

    /// A query that keeps the place of `rule` and matches nothing.
    pub(crate) fn never(rule: &MetricRule) -> Query {
        Query { rule: rule.clone(), conditions: vec![Condition { label: "metric".to_owned(), test: Test::Never }] }
    }

    /// What was compiled.
    pub fn rule(&self) -> &MetricRule {
        &self.rule
    }

    /// Whether a series with these labels is asked for.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.conditions.iter().all(|condition| condition.holds(labels))
    }

    /// How many conditions such a series fails.
    pub(super) fn misses(&self, labels: &Labels) -> usize {
        self.conditions.iter().filter(|condition| !condition.holds(labels)).count()
    }

    /// The same question about the label `metric` alone.
    pub(super) fn of_metric(&self) -> Query {
        let conditions = self.conditions.iter().filter(|condition| condition.label == "metric").cloned();
        Query { rule: self.rule.clone(), conditions: conditions.collect() }
    }

    /// The group that such a series belongs to: the values of the labels in `by`, in the order of their names.
    pub fn group(&self, labels: &Labels) -> Vec<String> {
        self.rule.by.iter().map(|label| labels.get(label).cloned().unwrap_or_default()).collect()
    }
}

impl Condition {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match &self.test {
            Test::Equal(text) => value == text,
            Test::NotEqual(text) => value != text,
            Test::Like(pattern) => pattern.is_match(value),
            Test::Unlike(pattern) => !pattern.is_match(value),
            Test::Never => false,
        }
    }
}

/// The pattern, to be matched by the whole text. A dot is any character, a new line too, as in Prometheus since version 3.
fn anchored(matcher: &Matcher) -> Result<Regex, QueryError> {
    let Matcher { label, value: pattern, .. } = matcher;
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(QueryError::Length { label: label.clone(), bytes: pattern.len() });
    }
    let build = |text: &str| RegexBuilder::new(text).size_limit(PATTERN_MEMORY_BYTES).dfa_size_limit(PATTERN_MEMORY_BYTES).build();
    let refused = |reason: String| QueryError::Pattern { label: label.clone(), pattern: pattern.clone(), reason };
    let explain = |error: regex::Error| match error {
        regex::Error::CompiledTooBig(limit) => format!("it takes more than {limit} bytes of memory, make it simpler"),
        // The parser draws the place on lines of its own; the last one says what it is.
        error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    // First by itself: `a)|(b` is no pattern, but would become one between brackets.
    build(pattern).map_err(|error| refused(explain(error)))?;
    build(&format!("^(?s:{pattern})$")).map_err(|error| match error {
        regex::Error::Syntax(_) => refused("it ends within a comment, remove that".to_owned()),
        error => refused(explain(error)),
    })
}
