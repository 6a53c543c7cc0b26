//! Where two JSON values part: by dotted path, in the order of keys. Numbers that canonical JSON writes alike are one.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};
use verwalter_core::json::canonical;

/// The most that is shown of one value, in characters: about what is left of a line.
const SHOWN_CHARS: usize = 80;

/// One place where they part.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, dotted; empty at the top.
    pub path: String,
    /// What should stand there; `None`: nothing.
    pub expected: Option<Value>,
    /// What stands there.
    pub got: Option<Value>,
}

impl Difference {
    /// In a line, with words for what stands on either side: of two answers neither is expected.
    pub fn worded(&self, one: &str, other: &str) -> String {
        let path = if self.path.is_empty() { "answer" } else { &self.path };
        format!("{path}: {one} {}, {other} {}", shown(self.expected.as_ref()), shown(self.got.as_ref()))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded("expected", "got"))
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = canonical::to_string(value);
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Every place where `got` is not what was `expected`.
pub fn differences(expected: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), expected, got, &mut found);
    found
}

fn compare(path: &mut Vec<String>, expected: &Value, got: &Value, found: &mut Vec<Difference>) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => objects(path, a, b, found),
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                member(path, index.to_string(), a.get(index), b.get(index), found);
            }
        }
        _ if canonical::to_string(expected) == canonical::to_string(got) => {}
        _ => found.push(Difference { path: path.join("."), expected: Some(expected.clone()), got: Some(got.clone()) }),
    }
}

fn objects(path: &mut Vec<String>, a: &Map<String, Value>, b: &Map<String, Value>, found: &mut Vec<Difference>) {
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        // A key with a dot in it would look like two.
        let plain = !key.is_empty() && !key.contains(|c: char| c == '.' || c == '"' || c.is_whitespace() || c.is_control());
        let step = if plain { key.clone() } else { Value::from(key.as_str()).to_string() };
        member(path, step, a.get(key), b.get(key), found);
    }
}

fn member(path: &mut Vec<String>, step: String, expected: Option<&Value>, got: Option<&Value>, found: &mut Vec<Difference>) {
    path.push(step);
    match (expected, got) {
        (Some(expected), Some(got)) => compare(path, expected, got, found),
        (expected, got) => found.push(Difference { path: path.join("."), expected: expected.cloned(), got: got.cloned() }),
    }
    path.pop();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, got: &str, lines: &[&str]) {
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("the test's own text is JSON");
        let found: Vec<String> = differences(&read(expected), &read(got)).iter().map(ToString::to_string).collect();
        assert_eq!(found, lines, "{expected} and {got}");
    }

    #[test]
    fn equal_values() {
        check("{}", "{}", &[]);
        check(r#"{"a":[1,{"b":null}]}"#, r#"{ "a": [1.0, {"b": null}] }"#, &[]);
        check("[0, 100]", "[-0.0, 1e2]", &[]);
    }

    #[test]
    fn each_place_is_named() {
        check(
            r#"{"a":1,"b":{"c":[1,2]},"d":4}"#,
            r#"{"a":"1","b":{"c":[1,3,4]},"e":5}"#,
            &[
                r#"a: expected 1, got "1""#,
                "b.c.1: expected 2, got 3",
                "b.c.2: expected nothing, got 4",
                "d: expected 4, got nothing",
                "e: expected nothing, got 5",
            ],
        );
        check("null", "{}", &["answer: expected null, got {}"]);
        check(r#"{"a.b":{"":1}}"#, r#"{"a.b":{"":2}}"#, &[r#""a.b"."": expected 1, got 2"#]);
    }

    #[test]
    fn long_values_are_shown_in_part() {
        let long = "é".repeat(200);
        check(&format!("[{long:?}]"), "[]", &[&format!("0: expected \"{}…, got nothing", "é".repeat(SHOWN_CHARS - 1))]);
    }
}
