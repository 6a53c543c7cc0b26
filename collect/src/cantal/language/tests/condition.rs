//! Cantal's conditions as cantal 0.6.10 evaluates them: a label that a series does not have makes every comparison false.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

/// Whether a series with these labels is chosen.
pub(crate) fn holds(condition: &Value, labels: &BTreeMap<String, String>) -> bool {
    let part = |place: usize| &condition[place];
    let text = |place: usize| part(place).as_str().expect("a text");
    let label = |place: usize| labels.get(text(place)).map(String::as_str);
    let count = condition.as_array().expect("an array").len();
    match (text(0), count) {
        ("Eq", 3) => label(1) == Some(text(2)),
        ("NotEq", 3) => label(1).is_some_and(|value| value != text(2)),
        ("RegexLike", 3) => label(1).is_some_and(|value| Regex::new(text(2)).expect("a pattern").is_match(value)),
        ("And", 3) => holds(part(1), labels) && holds(part(2), labels),
        ("Or", 3) => holds(part(1), labels) || holds(part(2), labels),
        ("Not", 2) => !holds(part(1), labels),
        ("Has", 2) => label(1).is_some(),
        other => panic!("cantal knows no condition {other:?}"),
    }
}
