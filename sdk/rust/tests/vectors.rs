//! The vectors of `sdk/vectors` against the host's own core: what strangers test their SDK with must be true.

use serde_json::Value;
use verwalter_plugin::core::admit::{AdmitError, admit};
use verwalter_plugin::core::ids::NodeId;
use verwalter_plugin::core::json::canonical;
use verwalter_plugin::core::json::strict::{JsonLimits, read_value};
use verwalter_plugin::core::names::Hostname;
use verwalter_plugin::core::peers::{Peer, PeerTable};
use verwalter_plugin::core::ports::RawOutput;

const LIMITS: JsonLimits = JsonLimits { depth: 64, values: 10_000 };

fn text<'a>(case: &'a Value, key: &str) -> Option<&'a str> {
    case.get(key).and_then(Value::as_str)
}

#[test]
fn canonical_json() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../vectors/canonical.json")).expect("JSON");
    assert!(cases.len() > 40);
    for case in &cases {
        let input = text(case, "input").expect("every case has an input");
        match (read_value(input, LIMITS), text(case, "canonical")) {
            (Ok(value), Some(expect)) => {
                let written = canonical::to_string(&value);
                assert_eq!(written, expect, "{case}");
                assert_eq!(read_value(&written, LIMITS), Ok(value), "what was written reads back: {case}");
            }
            (Err(err), None) => {
                let class = match err.message.as_str() {
                    m if m.contains("±2^53") || m.contains("out of range") => "number",
                    m if m.contains("stands twice") => "duplicate",
                    _ => "syntax",
                };
                assert_eq!(Some(class), text(case, "refused"), "{case}: {err}");
            }
            (got, _) => panic!("{case}: {got:?}"),
        }
    }
}

fn peer(name: &str) -> Peer {
    Peer::named(NodeId::from_bytes([0; 16]), Hostname::new(name).expect("a hostname"))
}

#[test]
fn answers() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/answers.json")).expect("JSON");
    let known = vectors["known"].as_array().expect("a list").iter().filter_map(Value::as_str).map(peer).collect();
    let (known, _) = PeerTable::new(known);
    let cases = vectors["cases"].as_array().expect("a list");
    assert!(cases.len() > 20);
    for case in cases {
        let answer = text(case, "answer").expect("every case has an answer");
        match (admit(&RawOutput(answer.as_bytes().to_vec()), &known, LIMITS), text(case, "schedule")) {
            (Ok(admitted), Some(expect)) => assert_eq!(admitted.schedule.canonical(), expect, "{case}"),
            (Err(AdmitError::Answer(err)), None) => assert_eq!(Some(err.path.as_str()), text(case, "at"), "{case}: {err}"),
            (got, _) => panic!("{case}: {got:?}"),
        }
    }
}

/// The text that the bindings are generated from begins with the contract itself.
#[test]
fn the_bindings_are_those_of_the_contract() {
    let source = include_str!("../src/export/component.rs");
    let (_, from) = source.split_once("inline: r#\"").expect("the text begins");
    let (inline, _) = from.split_once("\"#,").expect("the text ends");
    let contract = include_str!("../../wit/plugin.wit");
    let added = inline.strip_prefix(contract).expect("equal to sdk/wit/plugin.wit: copy it into export/component.rs");
    assert_eq!(added.matches("world ").count(), 4, "{added}");
}
