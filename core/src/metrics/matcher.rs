//! A condition on a label as text, in the notation of Prometheus' selectors. It compiles no regular expression.

use std::fmt;
use std::str::FromStr;

use super::{MatchOp, Matcher};

/// Longest label and longest value, in bytes. Arbitrary: no agent has longer ones.
const MAX_BYTES: usize = 256;

/// A text that is no condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// No operator.
    #[error("has none of the operators `=`, `!=`, `=~`, `!~`: write a label, an operator and a value, as in `interface!~\"lo|veth.*\"`")]
    NoOperator,
    /// No label, or none that could be.
    #[error("`{0}` is no label: write `[a-zA-Z_][a-zA-Z0-9_.]*`, at most {MAX_BYTES} characters")]
    Label(String),
    /// The quotes are wrong.
    #[error("the value's quotation marks do not match: write \"…\" around the whole of it, and \\\" for one in it")]
    Quotes,
    /// An escape that there is not.
    #[error("`\\{0}` means nothing in a quoted value: write \\\\, \\\" or \\n")]
    Escape(char),
    /// The value is too long.
    #[error("the value is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl FromStr for Matcher {
    type Err = MatcherError;

    /// Reads `LABEL OP VALUE`: OP one of `=`, `!=`, `=~`, `!~`, VALUE in quotation marks as in PromQL, or without any as it stands.
    /// Blanks around the three do not count.
    fn from_str(text: &str) -> Result<Matcher, MatcherError> {
        let at = text.find(['=', '!']).ok_or(MatcherError::NoOperator)?;
        let (label, rest) = text.split_at(at);
        let (op, value) = [(MatchOp::Like, "=~"), (MatchOp::NotEqual, "!="), (MatchOp::Unlike, "!~"), (MatchOp::Equal, "=")]
            .into_iter()
            .find_map(|(op, sign)| Some((op, rest.strip_prefix(sign)?)))
            .ok_or(MatcherError::NoOperator)?;
        let label = label.trim();
        if !is_label(label) {
            return Err(MatcherError::Label(label.chars().take(MAX_BYTES).collect()));
        }
        let value = unquote(value.trim())?;
        if value.len() > MAX_BYTES {
            return Err(MatcherError::TooLong);
        }
        Ok(Matcher { label: label.to_owned(), op, value })
    }
}

/// Whether `text` can name a label, as agents write them: Prometheus' rule, and dots.
pub fn is_label(text: &str) -> bool {
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    begins && text.len() <= MAX_BYTES && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

fn unquote(text: &str) -> Result<String, MatcherError> {
    let Some(inner) = text.strip_prefix('"') else {
        return if text.contains('"') { Err(MatcherError::Quotes) } else { Ok(text.to_owned()) };
    };
    let mut value = String::new();
    let mut chars = inner.chars();
    loop {
        match chars.next().ok_or(MatcherError::Quotes)? {
            '"' => return if chars.next().is_none() { Ok(value) } else { Err(MatcherError::Quotes) },
            '\\' => value.push(match chars.next().ok_or(MatcherError::Quotes)? {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => return Err(MatcherError::Escape(other)),
            }),
            other => value.push(other),
        }
    }
}

/// `text` in quotation marks, as PromQL reads it.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Like => "=~",
            MatchOp::Unlike => "!~",
        })
    }
}

/// As in a selector of PromQL.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.label, self.op, quote(&self.value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: Result<(&str, MatchOp, &str), MatcherError>) {
        let expect = expect.map(|(label, op, value)| Matcher { label: label.to_owned(), op, value: value.to_owned() });
        assert_eq!(text.parse(), expect, "{text}");
    }

    #[test]
    fn conditions() {
        check(r#"interface!~"lo|veth.*""#, Ok(("interface", MatchOp::Unlike, "lo|veth.*")));
        check("state = up", Ok(("state", MatchOp::Equal, "up")));
        check("a.b!=", Ok(("a.b", MatchOp::NotEqual, "")));
        check("path=~/srv/.+", Ok(("path", MatchOp::Like, "/srv/.+")));
        check("x=a=b", Ok(("x", MatchOp::Equal, "a=b")));
        check(r#"x="a\"b\\c\nd""#, Ok(("x", MatchOp::Equal, "a\"b\\c\nd")));
    }

    #[test]
    fn refusals() {
        check("interface", Err(MatcherError::NoOperator));
        check("interface!lo", Err(MatcherError::NoOperator));
        check("=lo", Err(MatcherError::Label(String::new())));
        check("1a=lo", Err(MatcherError::Label("1a".to_owned())));
        check(r#"a="b"#, Err(MatcherError::Quotes));
        check(r#"a="b"c"#, Err(MatcherError::Quotes));
        check(r#"a=b"c""#, Err(MatcherError::Quotes));
        check(r#"a="\d""#, Err(MatcherError::Escape('d')));
        check(&format!("a={}", "b".repeat(MAX_BYTES + 1)), Err(MatcherError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(label in "[a-z_][a-z0-9_.]{0,8}", value in ".{0,20}", op in 0_usize..4) {
            let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Like, MatchOp::Unlike][op];
            let matcher = Matcher { label, op, value };
            prop_assert_eq!(matcher.to_string().parse(), Ok(matcher));
        }
    }
}
