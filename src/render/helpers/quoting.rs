//! `json`, `quote` and `shell`: a value as one word of another language, so that no byte of it can end the word. They know no other
//! language than these two: what is neither JSON's nor the shell's way of quoting wants a filter.

use std::borrow::Cow;

use handlebars::Helper;
use serde_json::Value;

use super::text::Text;
use super::{arguments, place, unfit, usage};
use crate::render::Fault;
use crate::render::budget::Budget;

/// What `quote` and `shell` take, and others that print a text.
pub(super) const SCALAR: &str = "a text, a number, or true or false";

/// `json VALUE`: any value as JSON, on one line.
pub(super) fn json(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value] = arguments(helper)?;
    let text = value.to_string();
    // The cap of one value is looked at by whoever called.
    budget.make(text.len())?;
    Ok(text.into())
}

/// `quote VALUE`: a scalar in double quotes, as JSON, TOML and YAML read it. Null, arrays and objects are errors.
pub(super) fn quote(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value] = arguments(helper)?;
    let text = scalar(value).ok_or_else(|| unfit(helper, SCALAR, 0, &[], value))?;
    let mut out = Text::new(budget);
    double_quoted(&text, &mut out)?;
    Ok(out.into_value())
}

/// `shell VALUE`: a scalar as one word of a POSIX shell, in single quotes. A NUL, null, arrays and objects are errors.
pub(super) fn shell(budget: &Budget, helper: &Helper<'_>) -> Result<Value, Fault> {
    let [value] = arguments(helper)?;
    let text = scalar(value).ok_or_else(|| unfit(helper, SCALAR, 0, &[], value))?;
    if text.contains('\0') {
        return Err(usage(
            helper,
            format!("takes no text with a NUL, which no word of a shell can hold, and `{}` has one", place(helper, 0, &[])),
        ));
    }
    let mut out = Text::new(budget);
    single_quoted(&text, &mut out)?;
    Ok(out.into_value())
}

/// Writes `text` in single quotes, as a POSIX shell reads it.
pub(super) fn single_quoted(text: &str, out: &mut Text<'_>) -> Result<(), Fault> {
    out.push("'")?;
    for (index, part) in text.split('\'').enumerate() {
        if index > 0 {
            // Within single quotes nothing has a meaning but their end: close, a quote that is escaped, open.
            out.push(r"'\''")?;
        }
        out.push(part)?;
    }
    out.push("'")
}

/// The text of a scalar; null is none.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(value) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Writes `text` in double quotes, with escapes that mean the same in JSON, TOML and YAML. Escaped is what any of them does not allow or
/// reads as something else: control characters, line ends of other alphabets, byte-order marks, and what is no character.
pub(super) fn double_quoted(text: &str, out: &mut Text<'_>) -> Result<(), Fault> {
    let special = |c: char| c.is_control() || matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    out.push("\"")?;
    let mut start = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| special(*c)) {
        out.push(&text[start..at])?;
        match c {
            '"' => out.push("\\\"")?,
            '\\' => out.push("\\\\")?,
            '\n' => out.push("\\n")?,
            '\r' => out.push("\\r")?,
            '\t' => out.push("\\t")?,
            c => out.push(&format!("\\u{:04x}", u32::from(c)))?,
        }
        start = at + c.len_utf8();
    }
    out.push(&text[start..])?;
    out.push("\"")
}
