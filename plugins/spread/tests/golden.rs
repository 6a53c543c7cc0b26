//! The golden cases of `sdk/vectors/spread`: what any build of this scheduler answers, in any language and through any ABI.
//!
//! `UPDATE_GOLDEN=1 cargo test` writes what it answers now.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use verwalter_plugin::host::Stub;

#[test]
fn golden_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/vectors/spread");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut cases = 0;
    for case in fs::read_dir(&root).expect("the cases are there") {
        let case = case.expect("readable").path();
        let input = fs::read_to_string(case.join("input.json")).expect("every case has an input");
        let got = match verwalter_plugin::export::schedule(spread::schedule, &Stub::default(), &input) {
            Ok(answer) => serde_json::from_str(&answer).expect("an answer is JSON"),
            Err(error) => json!({ "error": error }),
        };
        let file = case.join("expected.json");
        if update {
            let text = serde_json::to_string_pretty(&got).expect("JSON");
            fs::write(&file, text + "\n").expect("writable");
        }
        let expected = fs::read_to_string(&file).expect("every case has an expectation: run with UPDATE_GOLDEN=1");
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        assert_eq!(got, expected, "{}", case.display());
        cases += 1;
    }
    assert!(cases >= 20, "{cases} cases: some are missing");
}
