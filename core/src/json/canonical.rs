//! Canonical JSON after RFC 8785: one text for one value, so that equal values have equal digests.
//!
//! It expects values that [`strict`](super::strict) read: finite numbers, integers within ±2^53.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// The canonical text of `value`.
pub fn to_string(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &mut out);
    String::from_utf8(out).expect("made of texts and ASCII")
}

/// Appends the canonical text of `value`.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => write_map(map, out),
    }
}

/// Appends the canonical text of an object.
pub fn write_map(map: &Map<String, Value>, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    let mut entry = |key: &str, value: &Value| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        write_value(value, out);
    };
    // The map iterates in order of UTF-8 bytes, which is the order wanted unless a key reaches above U+DFFF.
    if map.keys().any(|key| key.bytes().any(|b| b >= 0xEE)) {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by(|a, b| compare_keys(a.0, b.0));
        entries.into_iter().for_each(|(key, value)| entry(key, value));
    } else {
        map.iter().for_each(|(key, value)| entry(key, value));
    }
    out.push(b'}');
}

/// Appends a JSON string: serde_json escapes exactly what RFC 8785 §3.2.2.2 asks for.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory does not fail");
}

/// Appends an integer.
pub fn write_integer(number: u64, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &number).expect("writing to memory does not fail");
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(n) = number.as_u64() {
        return write_integer(n, out);
    }
    if let Some(n) = number.as_i64() {
        return serde_json::to_writer(out, &n).expect("writing to memory does not fail");
    }
    let n = number.as_f64().expect("without arbitrary precision a number is u64, i64 or f64");
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(n).as_bytes());
}

/// The order of keys in RFC 8785 §3.2.3: by UTF-16 code units.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    // UTF-8 bytes sort by code point. UTF-16 differs in one thing: surrogate pairs (first byte F0 and up) sort before
    // U+E000–U+FFFF (first byte EE or EF). Where the first difference is inside a character, both began with the same byte.
    let differing = a.bytes().zip(b.bytes()).find(|(x, y)| x != y);
    match differing {
        None => a.len().cmp(&b.len()),
        Some((0xF0.., 0xEE | 0xEF)) => Ordering::Less,
        Some((0xEE | 0xEF, 0xF0..)) => Ordering::Greater,
        Some((x, y)) => x.cmp(&y),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(input: &str, expect: &str) {
        let value: Value = serde_json::from_str(input).expect("valid JSON");
        assert_eq!(to_string(&value), expect);
    }

    #[test]
    fn examples_of_the_rfc() {
        check(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
        );
        check(r#"{"a":-0.0,"b":-5,"c":1.0}"#, r#"{"a":0,"b":-5,"c":1}"#);
    }

    #[test]
    fn keys_sort_by_utf16() {
        check(
            "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"€\":3,\"ö\":4,\"1\":5,\"\\r\":6}",
            "{\"\\r\":6,\"1\":5,\"ö\":4,\"€\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}",
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn keys_compare_as_utf16(a: String, b: String) {
            prop_assert_eq!(compare_keys(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
        }

        #[test]
        fn same_text_as_another_implementation(value in any_value()) {
            let expect = serde_json_canonicalizer::to_string(&value).expect("canonicalisable");
            prop_assert_eq!(to_string(&value), expect);
        }
    }
}
