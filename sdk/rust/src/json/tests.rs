//! The writer agrees with serde_json.

use std::collections::BTreeMap;

use serde::Serialize;

use super::*;

fn check<T: Serialize + ?Sized>(value: &T, expect: &str) {
    let got = match to_string(value) {
        Ok(text) => {
            serde_json::from_str::<serde_json::Value>(&text).expect("what was written is JSON");
            text
        }
        Err(err) => err.to_string(),
    };
    assert_eq!(got, expect);
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Unit,
    One(u8),
    Two(u8, bool),
    Named { a: Option<i8> },
}

#[test]
fn shapes() {
    check(&(1, "x", ()), r#"[1,"x",null]"#);
    check(&Vec::<u8>::new(), "[]");
    check(&[[0u8; 0], [0; 0]], "[[],[]]");
    check(&BTreeMap::from([("a", vec![1]), ("b", vec![])]), r#"{"a":[1],"b":[]}"#);
    check(&BTreeMap::from([(-2, BTreeMap::<String, u8>::new())]), r#"{"-2":{}}"#);
    check(&[Shape::Unit, Shape::One(1)], r#"["unit",{"one":1}]"#);
    check(&[Shape::Two(2, true), Shape::Named { a: None }], r#"[{"two":[2,true]},{"named":{"a":null}}]"#);
    check(&serde_json::json!({"a": {"b": [1, {"c": 2.5}]}}), r#"{"a":{"b":[1,{"c":2.5}]}}"#);
    check(&BTreeMap::from([(true, 1)]), "a mapping's key must be a text, a character or an integer");
}

#[test]
fn numbers() {
    check(&u64::MIN, "0");
    check(&(1u64 << 53), "9007199254740992");
    check(&-(1i64 << 53), "-9007199254740992");
    check(&-0.0, "0");
    check(&2.0, "2");
    check(&-1.5, "-1.5");
    check(&1e-9, "1e-9");
    check(&1.5e300, "1.5e+300");
    check(&((1u64 << 53) + 1), "9007199254740993 is beyond ±2^53; write it as a string");
    check(&i64::MIN, "-9223372036854775808 is beyond ±2^53; write it as a string");
    check(&1e17, "100000000000000000 is beyond ±2^53; write it as a string");
    check(&f64::NAN, "NaN is no JSON number; leave the key out or write null");
    check(&f64::NEG_INFINITY, "-inf is no JSON number; leave the key out or write null");
}

#[test]
fn doubles_read_back_as_the_same_bits() {
    for n in [0.1, 1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, 5e-324, 123456.789e-3, 9.007199254740993e21] {
        let text = to_string(&n).expect("finite");
        assert_eq!(text.parse::<f64>().expect("a number").to_bits(), n.to_bits(), "{text}");
    }
}

#[test]
fn texts_are_escaped_as_serde_json_does() {
    let all: String = (0..=0x7f_u8).map(char::from).chain("é€😀\u{2028}".chars()).collect();
    for text in ["", "plain", "of thirteen b", "twenty bytes, exactly", "\"", "\\end", "a\nb", &all] {
        let expect = serde_json::to_string(text).expect("a text");
        assert_eq!(to_string(text).expect("a text"), expect);
        let mut out = Vec::new();
        bytes::write_str(text, &mut out);
        assert_eq!(out, expect.as_bytes());
    }
}

#[test]
fn integers_are_written_in_full() {
    for n in [0, 9, 10, 99, 100, u64::from(u32::MAX), u64::MAX] {
        let mut out = String::new();
        write_integer(n, &mut out);
        assert_eq!(out, n.to_string());
        let mut out = Vec::new();
        bytes::write_integer(n, &mut out);
        assert_eq!(out, n.to_string().as_bytes());
    }
}

#[test]
fn whole_numbers() {
    let check = |text: &str, expect: Option<i64>| {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(whole(&value), expect, "{text}");
    };
    for text in ["2", "2.0", "2e0", "0.2e1"] {
        check(text, Some(2));
    }
    check("-0.0", Some(0));
    check("-9007199254740992", Some(-9_007_199_254_740_992));
    check("9007199254740992.0", Some(9_007_199_254_740_992));
    for text in ["9007199254740993", "18446744073709551615", "1e300", "-1e16", "0.5", "\"2\"", "null", "[2]"] {
        check(text, None);
    }
}
