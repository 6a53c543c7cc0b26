//! What crosses the border: the sample scheduler gives the golden answers through both ABIs and both input modes, and natively.

mod samples;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use verwalter::plugin::manifest::Manifest;
use verwalter::plugin::{Activator, Compiler, Loaded};
use verwalter::round::recorded;
use verwalter_core::admit::admit;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::PluginName;
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::{Failure, FailureCause, Kind, RawOutput, Scheduler};
use verwalter_core::schedule::Schedule;

fn activator(dir: &tempfile::TempDir) -> Activator {
    Activator::without_storage(dir.path(), Compiler::at(env!("CARGO_BIN_EXE_verwalter").into()), u64::MAX).expect("the sandbox opens")
}

fn load(activator: &Activator, file: &str) -> Loaded {
    let prebuilt = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("plugins/prebuilt");
    // Builds by another compiler than the prebuilt ones' must pass as well.
    let path = std::env::var_os("VERWALTER_TEST_PLUGINS").map_or_else(prebuilt, PathBuf::from).join(file);
    let manifest = Manifest { metrics: Some(BTreeMap::new()), ..Manifest::plain(Kind::Scheduler) };
    let wasm = std::fs::read(&path).expect("the prebuilt plugin is there");
    activator.load(&PluginName::new("spread").expect("a valid name"), &wasm, &manifest).expect("the prebuilt plugin loads")
}

/// Each case's name, input text and expected answer.
fn cases() -> Vec<(String, String, Value)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sdk/vectors/spread");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the vectors are there") {
        let entry = entry.expect("readable");
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).expect("a case has both files");
        let mut expected: Value = serde_json::from_str(&read("expected.json")).expect("JSON");
        if let Some(error) = expected.get("error").and_then(Value::as_str) {
            expected = error_answer(error);
        }
        cases.push((entry.file_name().to_string_lossy().into_owned(), read("input.json"), expected));
    }
    assert!(cases.len() >= 10, "only {} cases were found", cases.len());
    cases
}

/// The answer as JSON, an error as `{"error": text}`.
fn answer(result: Result<RawOutput, Failure>) -> Value {
    match result {
        Ok(output) => serde_json::from_slice(&output.0).expect("an answer is JSON"),
        Err(failure) => {
            assert_eq!(failure.cause, FailureCause::Answered, "{failure}");
            let text = failure.message.strip_prefix("answered an error: ").expect("that is how it begins");
            error_answer(text)
        }
    }
}

/// An error's text without its place: a document that was written again has other lines.
fn error_answer(text: &str) -> Value {
    serde_json::json!({ "error": text.split(" at line ").next() })
}

/// The parents of a document as schedules, for the host's own columns; they must name known peers only.
fn parents(text: &str, known: &PeerTable) -> Option<Vec<Schedule>> {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let parents = document["parents"].as_array().cloned().unwrap_or_default();
    let limits = JsonLimits { depth: 32, values: 100_000 };
    let admitted = parents.into_iter().map(|parent| {
        let output = RawOutput(serde_json::json!({ "v": 1, "schedule": parent }).to_string().into_bytes());
        admit(&output, known, limits).ok().map(|admitted| admitted.schedule)
    });
    admitted.collect()
}

#[test]
fn golden_answers_through_documents() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let activator = activator(&dir);
    for file in ["spread.wasm", "spread-core.wasm"] {
        let plugin = load(&activator, file);
        for (name, input, expected) in cases() {
            let view = Arc::new(recorded::view(&input, &[]).expect("a sound document"));
            let got = answer(plugin.schedule(&input, &view).map(|decision| decision.output));
            assert_eq!(got, expected, "{file}, {name}");
        }
    }
}

#[test]
fn golden_answers_through_columns() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let activator = activator(&dir);
    let mut compared = 0;
    for file in ["spread.wasm", "spread-core.wasm"] {
        let plugin = load(&activator, file);
        for (name, input, expected) in cases() {
            let known = recorded::view(&input, &[]).expect("a sound document").snapshot().peers().clone();
            let Some(parents) = parents(&input, &known) else { continue };
            let view = Arc::new(recorded::view(&input, &parents).expect("a sound document"));
            let mut document: Value = serde_json::from_str(&input).expect("JSON");
            let document_map = document.as_object_mut().expect("an object");
            document_map.remove("peers");
            document_map.remove("metrics");
            let got = answer(plugin.schedule(&document.to_string(), &view).map(|decision| decision.output));
            assert_eq!(got, expected, "{file}, {name}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "only {compared} cases went through columns");
}

#[test]
fn both_builds_use_the_same_fuel_every_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let activator = activator(&dir);
    let (_, input, _) = cases().into_iter().find(|(name, ..)| name == "first-round").expect("the case is there");
    let view = Arc::new(recorded::view(&input, &[]).expect("a sound document"));
    for file in ["spread.wasm", "spread-core.wasm"] {
        let plugin = load(&activator, file);
        let first = plugin.schedule(&input, &view).expect("it decides");
        for _ in 0..20 {
            let again = plugin.schedule(&input, &view).expect("it decides");
            assert_eq!((again.output, again.cost.fuel), (first.output.clone(), first.cost.fuel), "{file}");
        }
    }
}
