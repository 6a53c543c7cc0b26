//! A policy's document is read as the host writes it, and every verdict is one that the host accepts.

use proptest::prelude::*;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::ports::RawOutput;
use verwalter_core::review::{Ruling, read_verdict};

use super::*;
use crate::host::Stub;

const HEAD: &str = r#""v":1,"now":7,"round":3,"term":2,"current_host":"a","current_id":"01","config":{"most":{"web":1}}"#;
const NEW: &str = r#"{"nodes":{"a":{"roles":{"web":{"instances":3}}},"b":{"roles":{"db":{"instances":1}}}},"roles":{"db":{},"web":{}}}"#;
const OLD: &str = r#"{"nodes":{"b":{"roles":{"db":{"instances":1},"web":{"instances":2}}}},"roles":{"db":{},"web":{}}}"#;
const DIFF: &str = r#"{"added":{"web":{"a":3}},"removed":{"web":{"b":2}},"moved":{"web":2},"changed":{"db":["b"]}}"#;

#[test]
fn a_review() {
    let text = format!(r#"{{{HEAD},"schedule":{NEW},"previous":{OLD},"diff":{DIFF}}}"#);
    let host = Stub::new(["a", "b"]).with_column("cpu", &[0.5, 0.25]);
    let review = Review::read(&text, &host).expect("a document");
    assert_eq!(review.schedule().totals().expect("numbers")["web"], 3);
    assert_eq!(review.previous().expect("there").totals().expect("numbers")["web"], 2);
    let diff = review.diff();
    assert_eq!(diff.added().collect::<Vec<_>>(), [("web", "a", 3)]);
    assert_eq!(diff.removed().collect::<Vec<_>>(), [("web", "b", 2)]);
    assert_eq!(diff.moved().collect::<Vec<_>>(), [("web", 2)]);
    assert_eq!(diff.changed().collect::<Vec<_>>(), [("db", "b")]);
    assert!(!diff.is_empty());
    let input = review.input();
    assert_eq!((input.now_ms(), input.round()), (7, 3));
    assert_eq!(input.required_column("cpu").expect("there"), [0.5, 0.25]);
    // What stands now, also where the host offers no column of it.
    assert_eq!(input.placed("web").expect("numbers"), [0, 2]);
}

#[test]
fn before_the_first_schedule() {
    let text = format!(r#"{{{HEAD},"schedule":{NEW},"previous":null,"diff":{{"added":{{}},"removed":{{}},"moved":{{}},"changed":{{}}}}}}"#);
    let host = Stub::default();
    let review = Review::read(&text, &host).expect("a document");
    assert!(review.previous().is_none());
    assert!(review.diff().is_empty());
}

#[test]
fn what_is_no_review() {
    let refused = |text: &str, expect: &str| {
        let err = Review::read(text, &Stub::default()).expect_err("refused").to_string();
        assert!(err.starts_with(expect), "{text}: {err}");
    };
    refused(&format!("{{{HEAD}}}"), "the input document: missing field `schedule`: this is no policy's document");
    refused(&format!(r#"{{{HEAD},"schedule":{NEW}}}"#), "the input document: missing field `diff`");
    refused(&format!(r#"{{{HEAD},"schedule":7,"diff":{DIFF}}}"#), "the input document: ");
    refused(&format!(r#"{{{HEAD},"schedule":{NEW},"diff":{{"moved":{{"web":-1}}}}}}"#), "the input document: invalid value: integer `-1`");
}

fn accepted(verdict: &Verdict) -> verwalter_core::review::Verdict {
    let output = RawOutput(verdict.to_json().into_bytes());
    read_verdict(&output, JsonLimits { depth: 4, values: 1000 }).expect("what the builder makes is accepted")
}

#[test]
fn verdicts() {
    let mut verdict = Verdict::allow();
    assert_eq!(accepted(&verdict).ruling, Ruling::Allow);
    verdict.reason("r").warn("w \"1\"").log("one").log("two");
    let read = accepted(&verdict);
    assert_eq!((read.ruling, &*read.log), (Ruling::Allow, "one\ntwo"));
    assert_eq!((read.reasons, read.warnings), (vec!["r".to_owned()], vec!["w \"1\"".to_owned()]));
    verdict.deny(" \n");
    assert_eq!(accepted(&verdict).reasons, ["r"]);
    assert_eq!(accepted(Verdict::allow().deny("")).reasons, ["no reason given"]);
    assert_eq!(accepted(Verdict::allow().deny("é".repeat(501))).reasons, [format!("{}…", "é".repeat(499))]);
    assert_eq!(accepted(Verdict::allow().deny("é".repeat(500))).reasons, ["é".repeat(500)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is said: the ruling stands, and the host accepts it.
    #[test]
    fn every_verdict_is_accepted(
        reasons in proptest::collection::vec((any::<bool>(), "(?s).{0,3}|[ \t\u{3000}]{0,600}x?"), 0..120),
        warnings in proptest::collection::vec("(?s).{0,3}| {600}x", 0..120),
    ) {
        let mut verdict = Verdict::allow();
        for (denies, reason) in &reasons {
            if *denies { verdict.deny(reason) } else { verdict.reason(reason) };
        }
        for warning in &warnings {
            verdict.warn(warning);
        }
        let read = accepted(&verdict);
        prop_assert_eq!(read.ruling == Ruling::Deny, reasons.iter().any(|(denies, _)| *denies));
    }
}
