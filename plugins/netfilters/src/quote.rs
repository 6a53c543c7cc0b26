//! Texts that other programs read: YAML scalars and shell words. Never a text that they would read as something else.

use serde_json::Value;
use verwalter_plugin::RawArgs;

use crate::FilterError;

/// One YAML scalar. Texts always get double quotes: bare ones change their meaning too easily (`no`, `1e3`, `~`, `a: b`).
pub(crate) fn quote_yaml(args: RawArgs<'_>) -> Result<String, FilterError> {
    let args = args.read(&["value"])?;
    match args.any(0)? {
        Value::String(text) => Ok(yaml(text)),
        Value::Array(_) | Value::Object(_) => Err(args.wrong(0, "a text, number, boolean or null").into()),
        scalar => Ok(scalar.to_string()),
    }
}

/// YAML's double-quoted style, on one line: JSON's escapes, and `\u` for what YAML would fold, take for a byte-order mark or not
/// allow at all.
fn yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    verwalter_plugin::json::write_str(text, &mut out);
    let special = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !out.contains(special) {
        return out;
    }
    let escape = |c: char| if special(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    out.chars().map(escape).collect()
}

/// POSIX shell words.
pub(crate) fn quote_shell(args: RawArgs<'_>) -> Result<String, FilterError> {
    let args = args.read(&["value"])?;
    let word = |value: &Value| scalar(value).filter(|text| !text.contains('\0')).map(|text| shell(&text));
    match args.any(0)? {
        Value::Array(items) => {
            let words = items.iter().enumerate().map(|(index, item)| word(item).ok_or_else(|| element(0, "value", &index, item, SCALAR)));
            Ok(words.collect::<Result<Vec<_>, _>>()?.join(" "))
        }
        value => word(value).ok_or_else(|| args.wrong(0, "a text without NUL, a number, a boolean, or a list of them").into()),
    }
}

/// In single quotes nothing has a meaning but the quote itself.
fn shell(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',');
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

const SCALAR: &str = "a text, number or boolean";

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Says which element does not fit.
pub(crate) fn element(index: usize, name: &'static str, element: &dyn ToString, got: &Value, expected: &'static str) -> FilterError {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    FilterError::Element { position: index + 1, name, element: element.to_string(), got: got.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    /// `text` and `expect` as they are, without JSON around them.
    fn quoted(name: &str, text: &str, expect: &str) {
        check(name, &serde_json::json!([text]).to_string(), &serde_json::json!(expect).to_string());
    }

    #[test]
    fn yaml_scalars() {
        for (text, expect) in [
            ("", r#""""#),
            ("no", r#""no""#),
            ("a: \"b\" # c\n\\", r#""a: \"b\" # c\n\\""#),
            ("é😀", r#""é😀""#),
            ("\u{85}\u{2028}\u{feff}\u{7f}", r#""\u0085\u2028\ufeff\u007f""#),
        ] {
            quoted("quote_yaml", text, expect);
        }
        check("quote_yaml", "[1.5]", r#""1.5""#);
        check("quote_yaml", "[true]", r#""true""#);
        check("quote_yaml", "[null]", r#""null""#);
        check("quote_yaml", "[[1]]", "quote_yaml: argument 1 (`value`): expected a text, number, boolean or null, got a list of 1");
    }

    #[test]
    fn shell_words() {
        for (text, expect) in [
            ("", "''"),
            ("web-1.x/y:z", "web-1.x/y:z"),
            ("a b", "'a b'"),
            ("$(rm -rf ~); `x` \"q\"", "'$(rm -rf ~); `x` \"q\"'"),
            ("it's", r"'it'\''s'"),
            ("line\nbreak", "'line\nbreak'"),
            ("~", "'~'"),
            ("a=b", "'a=b'"),
            ("é", "'é'"),
        ] {
            quoted("quote_shell", text, expect);
        }
        check("quote_shell", r#"[["a","b c",1,true]]"#, r#""a 'b c' 1 true""#);
        check("quote_shell", "[[]]", r#""""#);
        check("quote_shell", r#"[["a",null]]"#, "quote_shell: argument 1 (`value`): element 1 is null, expected a text, number or boolean");
        let expect = "quote_shell: argument 1 (`value`): expected a text without NUL, a number, a boolean, or a list of them, got the text \"a\\0b\"";
        check("quote_shell", r#"["a\u0000b"]"#, expect);
    }
}
