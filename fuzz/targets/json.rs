//! JSON that a guest wrote: what the strict reader takes, a lenient one takes with the same meaning, and canonical text is a fixpoint.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use verwalter_core::json::canonical;
use verwalter_core::json::strict::read_value;
use verwalter_fuzz::MAX_MESSAGE_BYTES;
use verwalter_fuzz::config::data::parse_json_data;
use verwalter_fuzz::tables::{LIMITS, TIGHT, WIDE};

/// All that the strict reader refuses in what is JSON.
const REASONS: [&str; 4] = ["stands twice in one object", "beyond ±2^53", "nested deeper than", "more than"];

fuzz_target!(|text: &str| {
    let lenient = serde_json::from_str::<Value>(text);
    for limits in [TIGHT, LIMITS, WIDE] {
        match (read_value(text, limits), &lenient) {
            (Ok(value), Ok(lenient)) => {
                assert!(depth(&value) <= limits.depth && count(&value) <= u64::from(limits.values));
                let text = canonical::to_string(&value);
                assert_eq!(serde_json_canonicalizer::to_string(lenient).expect("canonicalisable"), text, "a second reader and writer");
                let again = read_value(&text, limits).expect("canonical text is read under the same budget");
                assert_eq!(again, value, "{text}");
                assert_eq!(canonical::to_string(&again), text, "canonical text is a fixpoint");
            }
            (Ok(_), Err(err)) => panic!("only the strict reader takes it: {err}"),
            (Err(err), Ok(_)) => assert!(REASONS.iter().any(|reason| err.message.contains(reason)), "refused without a reason: {err}"),
            (Err(err), Err(_)) => assert!(err.to_string().len() <= MAX_MESSAGE_BYTES, "{} bytes", err.to_string().len()),
        }
    }
    // Operators' data goes into the same documents.
    if let Ok(value) = parse_json_data(Path::new("f"), text) {
        let text = canonical::to_string(&value);
        let again = read_value(&text, WIDE).expect("operators' data survives the canonical form");
        assert_eq!(canonical::to_string(&again), text);
    }
});

fn depth(value: &Value) -> u32 {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<u64>(),
        Value::Object(map) => 1 + map.values().map(count).sum::<u64>(),
        _ => 1,
    }
}
