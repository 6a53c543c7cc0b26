//! A rule's conditions as a PromQL selector: `{__name__="node_load1",device=~"sd.*"}`. It asks nobody and never looks at samples.
//!
//! The metric's name stands in braces as `__name__`, always: names that are no identifiers of PromQL need it, and one form is enough.
//! Regular expressions go to the server as they stand: RE2 there, the `regex` crate here, alike but for details.

use std::fmt::Write as _;
use std::time::Duration;

use verwalter_core::metrics::{MatchOp, MetricRule};

/// What Prometheus calls the label that rules call `metric`.
pub(super) const NAME_LABEL: &str = "__name__";
/// What rules call it.
pub(super) const METRIC_LABEL: &str = "metric";

/// A rule that cannot be asked of a Prometheus server. Its author is at fault; other rules are asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SelectorError {
    /// A label that Prometheus cannot have.
    #[error("no series of Prometheus has a label `{label}`: labels there are letters, digits and `_`")]
    Label {
        /// Which one.
        label: String,
    },
    /// Nothing that would keep out all other series.
    #[error("the rule names no metric and no label's value: it would match every series of the server")]
    Everything,
}

/// The selector of `rule`.
pub(super) fn selector(rule: &MetricRule) -> Result<String, SelectorError> {
    let mut text = String::from("{");
    let mut is_bound = false;
    let equal = rule.labels.iter().map(|(label, value)| (label, MatchOp::Equal, value));
    let conditions = equal.chain(rule.matchers.iter().map(|matcher| (&matcher.label, matcher.op, &matcher.value)));
    for (label, op, value) in conditions {
        let label = foreign(label);
        if !is_label(label) {
            return Err(SelectorError::Label { label: label.to_owned() });
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(label);
        text.push_str(match op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Like => "=~",
            MatchOp::Unlike => "!~",
        });
        quote(&mut text, value);
        is_bound |= op == MatchOp::Equal && !value.is_empty() || op == MatchOp::Like;
    }
    text.push('}');
    if is_bound { Ok(text) } else { Err(SelectorError::Everything) }
}

/// The samples of a selector's series as far back as `lookback`.
pub(super) fn samples_of(selector: &str, lookback: Duration) -> String {
    format!("{selector}[{}ms]", lookback.as_millis().max(1))
}

/// What Prometheus calls the rules' label `label`.
fn foreign(label: &str) -> &str {
    if label == METRIC_LABEL { NAME_LABEL } else { label }
}

/// Whether PromQL reads it as a label's name.
fn is_label(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes `value` as a string of PromQL. Everything but visible ASCII is escaped: raw line ends and U+FFFD are refused there.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            ' '..='~' => text.push(letter),
            '\n' => text.push_str("\\n"),
            letter => write!(text, "\\U{:08x}", u32::from(letter)).expect("a String takes everything"),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use verwalter_core::metrics::Matcher;

    use super::*;

    fn rule(labels: &[(&str, &str)], matchers: &[(&str, MatchOp, &str)]) -> MetricRule {
        let matcher =
            |(label, op, value): &(&str, MatchOp, &str)| Matcher { label: (*label).to_owned(), op: *op, value: (*value).to_owned() };
        MetricRule {
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            matchers: matchers.iter().map(matcher).collect::<BTreeSet<_>>(),
            ..MetricRule::default()
        }
    }

    #[test]
    fn conditions_stand_in_braces() {
        let check = |labels: &[(&str, &str)], matchers: &[(&str, MatchOp, &str)], expect: &str| {
            assert_eq!(selector(&rule(labels, matchers)).unwrap(), expect);
        };
        check(&[("metric", "up")], &[], r#"{__name__="up"}"#);
        check(&[("metric", "my.metric-ä")], &[], r#"{__name__="my.metric-\U000000e4"}"#);
        check(
            &[("metric", "m"), ("device", "sda")],
            &[("mode", MatchOp::NotEqual, ""), ("a", MatchOp::Like, r"\d+"), ("b", MatchOp::Unlike, "\"")],
            r#"{device="sda",__name__="m",a=~"\\d+",b!~"\"",mode!=""}"#,
        );
        check(&[], &[("metric", MatchOp::Like, "node_.*")], r#"{__name__=~"node_.*"}"#);
        assert_eq!(samples_of("{a=\"b\"}", Duration::from_millis(90_500)), "{a=\"b\"}[90500ms]");
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        let check = |labels: &[(&str, &str)], matchers: &[(&str, MatchOp, &str)], expect: &str| {
            let told = selector(&rule(labels, matchers)).unwrap_err().to_string();
            assert!(told.contains(expect), "{told}");
        };
        check(&[("metric", "m"), ("a.b", "x")], &[], "a label `a.b`");
        check(&[("metric", "m"), ("", "x")], &[], "a label ``");
        check(&[("metric", "m"), ("1a", "x")], &[], "a label `1a`");
        check(&[], &[("job", MatchOp::NotEqual, "x")], "every series");
        check(&[("metric", "")], &[], "every series");
    }

    /// Reads one quoted string as Go and PromQL do, as far as [`quote`] writes it.
    fn unquote(text: &str) -> String {
        let mut letters = text.strip_prefix('"').unwrap().strip_suffix('"').unwrap().chars();
        let mut value = String::new();
        while let Some(letter) = letters.next() {
            assert!(letter != '"' && letter.is_ascii() && !letter.is_control(), "{letter:?} stands there as it is");
            value.push(match letter {
                '\\' => match letters.next().unwrap() {
                    'n' => '\n',
                    'U' => {
                        let digits: String = letters.by_ref().take(8).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                    }
                    escaped => escaped,
                },
                letter => letter,
            });
        }
        value
    }

    proptest! {
        #[test]
        fn every_value_can_be_quoted(value in any::<String>()) {
            let mut text = String::new();
            quote(&mut text, &value);
            prop_assert_eq!(unquote(&text), value);
        }
    }
}
