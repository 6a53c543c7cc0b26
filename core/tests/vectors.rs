//! The golden documents of `sdk/vectors` that the core itself must agree with: canonical JSON, answers and verdicts, and their refusals.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use verwalter_core::admit::{AdmitError, admit};
use verwalter_core::ids::NodeId;
use verwalter_core::json::canonical;
use verwalter_core::json::strict::{JsonLimits, read_value};
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::ports::RawOutput;
use verwalter_core::review::{VerdictError, read_verdict};

const LIMITS: JsonLimits = JsonLimits { depth: 32, values: 1_000_000 };

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sdk/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

#[derive(Deserialize)]
struct CanonicalCase {
    name: String,
    input: String,
    canonical: Option<String>,
}

#[test]
fn canonical_json() {
    let cases: Vec<CanonicalCase> = read("canonical.json");
    assert!(cases.len() > 20);
    for case in cases {
        let got = read_value(&case.input, LIMITS).ok().map(|value| canonical::to_string(&value));
        assert_eq!(got, case.canonical, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct Answers {
    known: Vec<Hostname>,
    cases: Vec<AnswerCase>,
}

#[derive(Deserialize)]
struct AnswerCase {
    name: String,
    answer: String,
    schedule: Option<String>,
    at: Option<String>,
}

#[test]
fn answers() {
    let answers: Answers = read("answers.json");
    let peers = answers.known.into_iter().map(|hostname| Peer::named(NodeId::from_bytes([0; 16]), hostname));
    let (peers, _) = PeerTable::new(peers.collect());
    for case in answers.cases {
        match (admit(&RawOutput(case.answer.clone().into_bytes()), &peers, LIMITS), case.schedule) {
            (Ok(admitted), Some(expected)) => assert_eq!(admitted.schedule.canonical(), expected, "{}", case.name),
            (Err(AdmitError::Answer(error)), None) => assert_eq!(Some(error.path), case.at, "{}: {}", case.name, error.message),
            (got, expected) => panic!("{}: expected {expected:?}, got {got:?}", case.name),
        }
    }
}

#[derive(Deserialize)]
struct VerdictCase {
    name: String,
    answer: String,
    verdict: Option<String>,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    refused: Option<String>,
    at: Option<String>,
}

#[test]
fn verdicts() {
    let cases: Vec<VerdictCase> = read("verdicts.json");
    assert!(cases.len() > 20);
    for case in cases {
        match read_verdict(&RawOutput(case.answer.into_bytes()), LIMITS) {
            Ok(verdict) => {
                assert_eq!(Some(verdict.ruling.to_string()), case.verdict, "{}", case.name);
                assert_eq!((verdict.reasons, verdict.warnings), (case.reasons, case.warnings), "{}", case.name);
            }
            Err(VerdictError::Verdict(error)) => {
                assert_eq!(Some(error.path), case.at, "{}: {}", case.name, error.message);
                assert_eq!(Some(class(&error.message)), case.refused.as_deref(), "{}: {}", case.name, error.message);
            }
            Err(error) => panic!("{}: {error}", case.name),
        }
    }
}

/// The class of a refusal, of those that `sdk/README.md` lists.
fn class(message: &str) -> &'static str {
    let classes = [
        ("stands twice", "duplicate"),
        ("is missing", "missing"),
        ("is not spoken", "version"),
        ("not a key", "unknown"),
        ("must be \"allow\"", "verdict"),
        ("is empty", "empty"),
        ("must say why", "empty"),
        ("more than", "many"),
        ("longer than", "long"),
        ("invalid type", "type"),
    ];
    classes.iter().find(|(words, _)| message.contains(words)).map_or("syntax", |(_, class)| class)
}
