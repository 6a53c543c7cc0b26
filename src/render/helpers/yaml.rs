//! `yaml`: a value as YAML that every reader of 1.1 and 1.2 takes for that value. It writes no tags, anchors, comments or folded texts.

use handlebars::Helper;
use serde_json::{Number, Value};

use super::quoting::double_quoted;
use super::text::Text;
use super::values::kind;
use super::{arity, present, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

/// Widest `indent`: arbitrary, above any file that people read.
const MAX_INDENT: u64 = 100;
/// Longest key, in bytes as written, that stands before a `:` without a `?`: YAML allows 1,024 characters.
const MAX_PLAIN_KEY: usize = 1_000;

/// `yaml VALUE`: one line, in flow style; `yaml VALUE indent=N`: block style, whose first line stands where the call stands and whose
/// others begin with N spaces. Texts that a reader could take for something else are quoted. Another `indent` than a whole number from
/// 0 to 100 is an error.
pub(super) fn yaml(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value] = helper.params().as_slice() else {
        return Err(arity(helper, 1, helper.params().len()));
    };
    let value = present(value)?;
    let mut indent = None;
    for (name, param) in helper.hash() {
        let given = present(param)?;
        indent = match (*name, given.as_u64()) {
            ("indent", Some(spaces)) if spaces <= MAX_INDENT => usize::try_from(spaces).ok(),
            ("indent", _) => {
                let what = if given.is_number() { given.to_string() } else { kind(given).to_owned() };
                return Err(usage(helper, format!("takes a whole number from 0 to {MAX_INDENT} as `indent`, not {what}")));
            }
            (name, _) => return Err(usage(helper, format!("takes no argument named `{name}`: remove it, `indent` is the only one"))),
        };
    }
    let mut writer = Writer { budget, out: Text::new(budget) };
    match indent {
        Some(column) => writer.block(value, column)?,
        None => writer.flow(value)?,
    }
    Ok(writer.out.into_value())
}

struct Writer<'a> {
    budget: &'a Budget,
    out: Text<'a>,
}

impl Writer<'_> {
    /// On one line.
    fn flow(&mut self, value: &Value) -> Result<(), Fault> {
        self.budget.step()?;
        match value {
            Value::Null => self.out.push("null"),
            Value::Bool(value) => self.out.push(if *value { "true" } else { "false" }),
            Value::Number(number) => self.out.push(&number_text(number)),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.out.push("[")?;
                for (index, item) in items.iter().enumerate() {
                    self.out.push(if index == 0 { "" } else { ", " })?;
                    self.flow(item)?;
                }
                self.out.push("]")
            }
            Value::Object(members) => {
                self.out.push("{")?;
                for (index, (key, member)) in members.iter().enumerate() {
                    self.out.push(if index == 0 { "" } else { ", " })?;
                    if is_long(key) {
                        self.out.push("? ")?;
                        self.text(key)?;
                        self.out.push(" : ")?;
                    } else {
                        self.text(key)?;
                        self.out.push(": ")?;
                    }
                    self.flow(member)?;
                }
                self.out.push("}")
            }
        }
    }

    /// From `column` on, where the line is now.
    fn block(&mut self, value: &Value, column: usize) -> Result<(), Fault> {
        match value {
            Value::Array(items) if !items.is_empty() => {
                self.budget.step()?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line(column)?;
                    }
                    self.out.push("- ")?;
                    self.block(item, column + 2)?;
                }
                Ok(())
            }
            Value::Object(members) if !members.is_empty() => {
                self.budget.step()?;
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.line(column)?;
                    }
                    self.member(key, member, column)?;
                }
                Ok(())
            }
            flat => self.flow(flat),
        }
    }

    fn member(&mut self, key: &str, member: &Value, column: usize) -> Result<(), Fault> {
        if is_long(key) {
            self.out.push("? ")?;
            self.text(key)?;
            self.line(column)?;
            self.out.push(": ")?;
            return self.block(member, column + 2);
        }
        self.text(key)?;
        self.out.push(":")?;
        if is_flat(member) {
            self.out.push(" ")?;
            return self.flow(member);
        }
        self.line(column + 2)?;
        self.block(member, column + 2)
    }

    fn line(&mut self, column: usize) -> Result<(), Fault> {
        self.out.push("\n")?;
        self.out.push(&" ".repeat(column))
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if is_plain(text) { self.out.push(text) } else { double_quoted(text, &mut self.out) }
    }
}

/// Whether it is one line in block style, too.
fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => true,
    }
}

/// An escape is at most six bytes long, for a character of one byte.
fn is_long(key: &str) -> bool {
    key.len() > MAX_PLAIN_KEY / 6
}

/// Whether no reader takes `text`, without quotes, for anything but that text, wherever it stands: a letter, `_` or `/` first, then
/// those, digits, `-` and `.`, and none of the words that have a meaning in some version of YAML.
fn is_plain(text: &str) -> bool {
    const MEANT: [&str; 12] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"];
    let letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'/');
    text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        && !MEANT.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// YAML 1.1 takes `1e9` for a text: there a float has a point, and its exponent a sign.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    if number.is_i64() || number.is_u64() {
        return text;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((&*text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    match exponent {
        None => format!("{mantissa}{point}"),
        Some(exponent) if exponent.starts_with(['-', '+']) => format!("{mantissa}{point}e{exponent}"),
        Some(exponent) => format!("{mantissa}{point}e+{exponent}"),
    }
}
