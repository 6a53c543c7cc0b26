//! The arguments of a filter. An error names the argument's position and name, what was expected and what came.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The host's array of arguments, unread.
#[derive(Debug, Clone, Copy)]
pub struct RawArgs<'a>(&'a str);

impl<'a> RawArgs<'a> {
    /// The arguments in this JSON text.
    pub fn new(text: &'a str) -> RawArgs<'a> {
        RawArgs(text)
    }

    /// Reads them for a filter whose arguments are called `names`, in order of position.
    #[inline]
    pub fn read(self, names: &'static [&'static str]) -> Result<Args, ArgsError> {
        Args::read(self.0, names)
    }
}

/// What a template passed: positional arguments, then named ones.
///
/// Named arguments arrive as one object behind the positional ones. So an object counts as named arguments when it stands last
/// and not first; a filter that wants a mapping takes it as its first argument.
#[derive(Debug)]
pub struct Args {
    positional: Vec<Value>,
    named: Map<String, Value>,
    names: &'static [&'static str],
}

/// Arguments that do not fit. The template is at fault; the role is not rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgsError {
    /// The host sent no array.
    #[error("the arguments are no JSON array: {0}")]
    NoArray(String),
    /// More arguments than the filter has.
    #[error("takes at most {most} arguments ({names}), got {got}")]
    TooMany {
        /// How many it takes.
        most: usize,
        /// What they are called.
        names: String,
        /// How many came.
        got: usize,
    },
    /// A named argument that the filter does not have.
    #[error("there is no argument `{name}`; it takes {names}")]
    Unknown {
        /// What the template called it.
        name: String,
        /// What they are called.
        names: String,
    },
    /// A named argument that was given by position too.
    #[error("argument {position} (`{name}`) is given twice, by position and by name")]
    Twice {
        /// From 1.
        position: usize,
        /// What it is called.
        name: &'static str,
    },
    /// An argument that the filter cannot do without.
    #[error("argument {position} (`{name}`) is missing: expected {expected}")]
    Missing {
        /// From 1.
        position: usize,
        /// What it is called.
        name: &'static str,
        /// Which type.
        expected: &'static str,
    },
    /// An argument of another type, or with a value that the filter cannot use.
    #[error("argument {position} (`{name}`): expected {expected}, got {got}")]
    Wrong {
        /// From 1.
        position: usize,
        /// What it is called.
        name: &'static str,
        /// Which type or value.
        expected: String,
        /// What came.
        got: String,
    },
}

impl Args {
    #[inline]
    fn read(text: &str, names: &'static [&'static str]) -> Result<Args, ArgsError> {
        let mut positional: Vec<Value> = serde_json::from_str(text).map_err(|err| ArgsError::NoArray(err.to_string()))?;
        let named = match positional.pop() {
            Some(Value::Object(named)) if !positional.is_empty() => named,
            Some(last) => {
                positional.push(last);
                Map::new()
            }
            None => Map::new(),
        };
        if positional.len() > names.len() {
            return Err(ArgsError::TooMany { most: names.len(), names: names.join(", "), got: positional.len() });
        }
        for name in named.keys() {
            match names.iter().position(|known| known == name) {
                None => return Err(ArgsError::Unknown { name: name.clone(), names: names.join(", ") }),
                Some(index) if index < positional.len() => return Err(ArgsError::Twice { position: index + 1, name: names[index] }),
                Some(_) => {}
            }
        }
        Ok(Args { positional, named, names })
    }

    /// Argument `index`, from 0, by position or by name.
    ///
    /// # Panics
    /// When the filter has no name for `index`: a mistake of its author that every call shows.
    pub fn value(&self, index: usize) -> Option<&Value> {
        let name = self.names[index];
        self.positional.get(index).or_else(|| self.named.get(name))
    }

    /// Argument `index`, whatever it is.
    pub fn any(&self, index: usize) -> Result<&Value, ArgsError> {
        self.value(index).ok_or_else(|| self.missing(index, "a value"))
    }

    /// Argument `index`, which must be a text.
    pub fn text(&self, index: usize) -> Result<&str, ArgsError> {
        match self.value(index) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(index, "a text")),
            None => Err(self.missing(index, "a text")),
        }
    }

    /// Argument `index`, a text, or `default` where it is left out.
    pub fn text_or<'s>(&'s self, index: usize, default: &'s str) -> Result<&'s str, ArgsError> {
        if self.value(index).is_none() { Ok(default) } else { self.text(index) }
    }

    /// Argument `index`, which must be a whole number, or a text of one (templates often have numbers as texts).
    pub fn integer(&self, index: usize) -> Result<i128, ArgsError> {
        let Some(value) = self.value(index) else { return Err(self.missing(index, "a whole number")) };
        let number = match value {
            // `2`, `2.0` and `2e0` are the same number.
            Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(n), _) => Some(i128::from(n)),
                (None, Some(n)) => Some(i128::from(n)),
                (None, None) => n.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i128),
            },
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(index, "a whole number"))
    }

    /// Argument `index`, which must be a list.
    pub fn list(&self, index: usize) -> Result<&[Value], ArgsError> {
        match self.value(index) {
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.wrong(index, "a list")),
            None => Err(self.missing(index, "a list")),
        }
    }

    /// Argument `index` as the author's own type.
    pub fn parse<T: DeserializeOwned>(&self, index: usize, expected: &'static str) -> Result<T, ArgsError> {
        let value = self.value(index).ok_or_else(|| self.missing(index, expected))?;
        serde_json::from_value(value.clone()).map_err(|_| self.wrong(index, expected))
    }

    /// Says that argument `index` is not what was `expected`.
    pub fn wrong(&self, index: usize, expected: impl Into<String>) -> ArgsError {
        let got = self.value(index).map_or_else(|| "nothing".to_owned(), |value| Shown(value).to_string());
        ArgsError::Wrong { position: index + 1, name: self.names[index], expected: expected.into(), got }
    }

    fn missing(&self, index: usize, expected: &'static str) -> ArgsError {
        ArgsError::Missing { position: index + 1, name: self.names[index], expected }
    }
}

/// A value in an error: its type, and its beginning where it is short.
struct Shown<'a>(&'a Value);

/// So much of a text stands in an error.
const SHOWN_CHARS: usize = 40;

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(n) => write!(f, "the number {n}"),
            Value::String(text) => match text.char_indices().nth(SHOWN_CHARS) {
                Some((end, _)) => write!(f, "the text {:?}…", &text[..end]),
                None => write!(f, "the text {text:?}"),
            },
            Value::Array(items) => write!(f, "a list of {}", items.len()),
            Value::Object(map) => write!(f, "a mapping of {}", map.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got =
            Args::read(text, &["list", "separator"]).and_then(|args| Ok(format!("{} {:?}", args.list(0)?.len(), args.text_or(1, ", ")?)));
        assert_eq!(got.unwrap_or_else(|err| err.to_string()), expect, "{text}");
    }

    #[test]
    fn by_position_and_by_name() {
        check("[[1,2]]", "2 \", \"");
        check(r#"[[1,2],"-"]"#, "2 \"-\"");
        check(r#"[[],{"separator":"-"}]"#, "0 \"-\"");
        check(r#"[[],{}]"#, "0 \", \"");
    }

    #[test]
    fn what_does_not_fit() {
        check("{}", "the arguments are no JSON array: invalid type: map, expected a sequence at line 1 column 0");
        check("[]", "argument 1 (`list`) is missing: expected a list");
        check(r#"[{"a":1}]"#, "argument 1 (`list`): expected a list, got a mapping of 1");
        check(r#"["x"]"#, "argument 1 (`list`): expected a list, got the text \"x\"");
        check("[[],1.5]", "argument 2 (`separator`): expected a text, got the number 1.5");
        check(r#"[[],{"sep":"-"}]"#, "there is no argument `sep`; it takes list, separator");
        check(r#"[[],"-",{"separator":"-"}]"#, "argument 2 (`separator`) is given twice, by position and by name");
        check(r#"[[],"-",3]"#, "takes at most 2 arguments (list, separator), got 3");
    }

    #[test]
    fn a_long_value_is_shown_in_part() {
        let text = format!("[\"{}\"]", "é".repeat(100_000));
        let err = Args::read(&text, &["x"]).expect("an array").list(0).expect_err("a text is no list");
        assert!(err.to_string().len() < 200, "{err}");
    }
}
