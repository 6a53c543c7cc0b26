//! Sorting by a key, in the order that people expect (`web-2` before `web-10`), the same on every node.

use std::cmp::Ordering;

use serde_json::Value;
use verwalter_plugin::RawArgs;

use crate::FilterError;
use crate::quote::element;

/// A list of mappings, or the values of a mapping, sorted by the dotted `key`. Equal ones keep their order (a mapping's: by key).
/// Without `key` a list is sorted by its elements and a mapping by its keys.
pub(crate) fn sort_natural(args: RawArgs<'_>) -> Result<Vec<Value>, FilterError> {
    let args = args.read(&["items", "key"])?;
    let items: Vec<(String, &Value)> = match args.any(0)? {
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => return Err(args.wrong(0, "a list or a mapping").into()),
    };
    let own_keys = matches!(args.any(0)?, Value::Object(_));
    let path = match args.value(1) {
        Some(_) => Some(args.text(1)?),
        None => None,
    };
    let mut keyed = Vec::with_capacity(items.len());
    for (name, item) in items {
        let key = match path {
            Some(path) => {
                let found = path.split('.').try_fold(item, |value, step| value.get(step));
                found.cloned().ok_or_else(|| element(0, "items", &name, item, "a mapping with the key to sort by"))?
            }
            None if own_keys => Value::from(name.as_str()),
            None => item.clone(),
        };
        if matches!(key, Value::Array(_) | Value::Object(_)) {
            return Err(element(0, "items", &name, &key, "a text, number, boolean or null to sort by"));
        }
        keyed.push((key, item));
    }
    keyed.sort_by(|a, b| compare(&a.0, &b.0));
    Ok(keyed.into_iter().map(|(_, item)| item.clone()).collect())
}

/// null, booleans, numbers by value, texts in natural order.
fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        _ => 3,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        },
        (Value::String(a), Value::String(b)) => natural(a, b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Runs of digits compare as numbers, all else by code point; what is equal that way (`01` and `1`) compares as it is.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    while let (Some(p), Some(q)) = (x.chars().next(), y.chars().next()) {
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let (m, n) = (digits(x), digits(y));
            let (u, v) = (m.trim_start_matches('0'), n.trim_start_matches('0'));
            let order = u.len().cmp(&v.len()).then_with(|| u.cmp(v));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (&x[m.len()..], &y[n.len()..]);
        } else if p != q {
            return p.cmp(&q);
        } else {
            (x, y) = (&x[p.len_utf8()..], &y[q.len_utf8()..]);
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

fn digits(text: &str) -> &str {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::check;

    #[test]
    fn lists_and_mappings() {
        check(
            "sort_natural",
            r#"[[{"name":"web-10"},{"name":"web-9"},{"name":"db"}],"name"]"#,
            r#"[{"name":"db"},{"name":"web-9"},{"name":"web-10"}]"#,
        );
        check("sort_natural", r#"[{"b":{"at":{"n":1}},"a":{"at":{"n":2}}},"at.n"]"#, r#"[{"at":{"n":1}},{"at":{"n":2}}]"#);
        check("sort_natural", r#"[{"h10":1,"h9":2}]"#, "[2,1]");
        check("sort_natural", r#"[{"b":{"n":1},"a":{"n":1}},{"key":"n"}]"#, r#"[{"n":1},{"n":1}]"#);
        check("sort_natural", r#"[["b","a",10,9.5,null,true]]"#, r#"[null,true,9.5,10,"a","b"]"#);
        check("sort_natural", "[[]]", "[]");
    }

    #[test]
    fn equal_ones_keep_their_order() {
        check("sort_natural", r#"[[{"n":1,"i":0},{"n":0,"i":1},{"n":1,"i":2}],"n"]"#, r#"[{"i":1,"n":0},{"i":0,"n":1},{"i":2,"n":1}]"#);
    }

    #[test]
    fn what_does_not_fit() {
        check("sort_natural", r#"["x"]"#, "sort_natural: argument 1 (`items`): expected a list or a mapping, got the text \"x\"");
        check("sort_natural", "[[],1]", "sort_natural: argument 2 (`key`): expected a text, got the number 1");
        let expect = "sort_natural: argument 1 (`items`): element 1 is a mapping, expected a mapping with the key to sort by";
        check("sort_natural", r#"[[{"n":1},{"m":1}],"n"]"#, expect);
        let expect = "sort_natural: argument 1 (`items`): element a is a list, expected a text, number, boolean or null to sort by";
        check("sort_natural", r#"[{"a":{"n":[]}},"n"]"#, expect);
    }

    #[test]
    fn natural_order() {
        let sorted = ["", "1", "01", "2", "10", "a", "a1", "a01", "a1b", "a2", "a10", "b", "é", "😀"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                // `01` and `1` are equal as numbers: then by their bytes.
                let expect = match (*a, *b) {
                    ("1", "01") | ("a1", "a01") => Ordering::Greater,
                    ("01", "1") | ("a01", "a1") => Ordering::Less,
                    _ => i.cmp(&j),
                };
                assert_eq!(natural(a, b), expect, "{a} {b}");
            }
        }
        let long = "9".repeat(1000);
        assert_eq!(natural(&long, &format!("1{long}")), Ordering::Less);
    }
}
