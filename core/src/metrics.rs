//! What a plugin sees of the machines: rules that pick one number a peer, and columns that hold it.
//!
//! Columns are kept up to date as reports arrive and are never rebuilt for a round. NaN stands for "no sample".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod column;
mod matcher;

pub use column::{Column, Moments, Place};
pub use matcher::{MatcherError, is_label};

use matcher::quote;

/// How many of a peer's last values the column of a rule without `by` remembers: one minute at a sample every 2 s. Columns of groups remember
/// none, since there may be [`MAX_GROUPS`] times as many of them; with [`Take::Series`] every column has the samples themselves.
pub const SERIES_LEN: usize = 30;
/// Most samples that [`Take::Series`] keeps of a peer: four minutes at a sample every 2 s, an hour at one in 30 s.
pub const MAX_SAMPLES: usize = 120;
/// Most columns that one rule with `by` makes; the first ones by name are kept.
pub const MAX_GROUPS: usize = 64;

/// How the samples of one series within the window become one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The newest sample.
    #[default]
    Last,
    /// Growth per second of a counter over the window; a counter that fell was reset and counts from zero.
    Rate,
    /// Growth of a counter over the window, resets as for [`Take::Rate`]; of a level the newest sample less the oldest.
    Delta,
    /// The mean of the samples in the window.
    Avg,
    /// The least sample in the window.
    Min,
    /// The greatest sample in the window.
    Max,
    /// The sample below or at which 95 of 100 in the window are (nearest rank: no number that was never measured).
    P95,
    /// The newest sample as the value; all samples in the window as the series, oldest first, at most [`MAX_SAMPLES`].
    Series,
}

/// How several series that a rule matches become one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// How a label is compared. A label that a series does not have is an empty text, as in PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MatchOp {
    /// The same text.
    #[serde(rename = "=")]
    Equal,
    /// Another text.
    #[serde(rename = "!=")]
    NotEqual,
    /// The whole text matches the regular expression.
    #[serde(rename = "=~")]
    Like,
    /// The whole text does not match it.
    #[serde(rename = "!~")]
    Unlike,
}

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Matcher {
    /// Which label.
    pub label: String,
    /// How it is compared.
    pub op: MatchOp,
    /// A text, or a regular expression of the `regex` crate's syntax.
    pub value: String,
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The agent in this program.
    Agent,
    /// The cantal agent of each machine.
    Cantal,
    /// A Prometheus server.
    Prometheus,
}

/// One number a peer: which series, over which window, reduced how.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricRule {
    /// The series' labels that must be present with these values; `metric` is always among them.
    pub labels: BTreeMap<String, String>,
    /// Further conditions.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub matchers: BTreeSet<Matcher>,
    /// What becomes of the samples of one series.
    pub take: Take,
    /// How far back samples count. Meaningless for [`Take::Last`].
    pub window: Duration,
    /// What becomes of several matching series.
    pub combine: Combine,
    /// A column for each combination of these labels' values; none: one column for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by: BTreeSet<String>,
    /// Where the figures come from; `None`: from the agent that the site runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// One column: a rule, and with `by` the values of its labels, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnId {
    /// Which rule.
    pub rule: MetricRule,
    /// One value a label of `rule.by`; "" where a series has no such label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<String>,
}

/// As a selector of PromQL, with what is made of it: `net.rx{interface!~"lo"} rate 30 s by interface`.
impl fmt::Display for MetricRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.labels.get("metric").map_or("", String::as_str))?;
        let equal = self.labels.iter().filter(|(label, _)| *label != "metric").map(|(label, value)| format!("{label}={}", quote(value)));
        let conditions: Vec<String> = equal.chain(self.matchers.iter().map(ToString::to_string)).collect();
        if !conditions.is_empty() {
            write!(f, "{{{}}}", conditions.join(","))?;
        }
        if self.take != Take::Last {
            // Serde has the words that the manifest has.
            let take = serde_json::to_value(self.take).expect("a word");
            write!(f, " {} {} s", take.as_str().unwrap_or_default(), self.window.as_secs())?;
        }
        if !self.by.is_empty() {
            write!(f, " by {}", self.by.iter().map(String::as_str).collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

impl From<MetricRule> for ColumnId {
    fn from(rule: MetricRule) -> ColumnId {
        ColumnId::whole(rule)
    }
}

impl ColumnId {
    /// The one column of a rule without `by`.
    pub fn whole(rule: MetricRule) -> ColumnId {
        ColumnId { rule, group: Vec::new() }
    }

    /// How a plugin that calls the rule `alias` calls this column: `alias`, or with `by` as in PromQL `alias{interface="eth0"}`.
    pub fn name(&self, alias: &str) -> String {
        if self.rule.by.is_empty() {
            return alias.to_owned();
        }
        let pairs = self.rule.by.iter().zip(&self.group).map(|(label, value)| format!("{label}={}", quote(value)));
        format!("{alias}{{{}}}", pairs.collect::<Vec<_>>().join(","))
    }
}

/// All columns that are kept. Those of one rule stand side by side.
pub type Columns = BTreeMap<ColumnId, Arc<Column>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_in_promql() {
        let mut rule = MetricRule { labels: [("metric".to_owned(), "net.rx".to_owned())].into(), ..MetricRule::default() };
        assert_eq!(rule.to_string(), "net.rx");
        rule.labels.insert("host".to_owned(), "a".to_owned());
        rule.matchers.insert(r#"interface!~"lo""#.parse().expect("a condition"));
        (rule.take, rule.window) = (Take::Rate, Duration::from_secs(30));
        rule.by.insert("interface".to_owned());
        assert_eq!(rule.to_string(), r#"net.rx{host="a",interface!~"lo"} rate 30 s by interface"#);
    }

    #[test]
    fn columns_are_called_as_in_promql() {
        let check = |by: &[&str], group: &[&str], expect: &str| {
            let rule = MetricRule { by: by.iter().map(|&label| label.to_owned()).collect(), ..MetricRule::default() };
            let id = ColumnId { rule, group: group.iter().map(|&value| value.to_owned()).collect() };
            assert_eq!(id.name("rx"), expect);
        };
        check(&[], &[], "rx");
        check(&["interface"], &["eth0"], r#"rx{interface="eth0"}"#);
        check(&["mount", "device"], &["sd\"a", "/\n"], r#"rx{device="sd\"a",mount="/\n"}"#);
    }
}
