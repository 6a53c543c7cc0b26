//! Whether a plugin answers its cases as they say; and writing down what it answers, where its author says that this is right now.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use verwalter_core::ports::{FailureCause, LogLine};

use super::case::{Case, Expected, expected, expected_path, log_path};
use super::difference::differences;
use super::input::Flaw;
use super::outcome::{Answer, Outcome, put};
use super::question::{Function, Posed, pose};
use crate::config::file::FileError;
use crate::plugin::Loaded;

/// What became of a case.
#[derive(Debug, Clone)]
pub struct Golden {
    /// The case's name.
    pub name: String,
    /// What was handed over.
    pub posed: Posed,
    /// What came of it.
    pub outcome: Outcome,
    /// As it must be, or not.
    pub verdict: Verdict,
}

/// Whether an answer is as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Passed,
    /// Nobody has said what must come of it.
    Unknown,
    /// It is not: where, a line each.
    Failed(Vec<String>),
}

/// Asks what a case asks, and compares.
pub fn run(plugin: &Arc<Loaded>, case: &Case) -> Golden {
    let overlaid = case.manifest.as_ref().map(|manifest| Arc::new(plugin.under(manifest)));
    let plugin = overlaid.as_ref().unwrap_or(plugin);
    let posed = pose(plugin, &case.question);
    let outcome = put(plugin, &posed);
    let verdict = judge(case, &posed, &outcome);
    Golden { name: case.name.clone(), posed, outcome, verdict }
}

fn judge(case: &Case, posed: &Posed, outcome: &Outcome) -> Verdict {
    let Some(written) = &case.expected else { return Verdict::Unknown };
    let mut lines = match expected(posed, written) {
        Ok(expected) => compare(&expected, &outcome.answer),
        Err(Flaw { key, message }) => vec![FileError::new(&expected_path(&case.dir), message).at_key(key).to_string()],
    };
    if let Some(log) = &case.log {
        lines.extend(compare_log(log, &log_lines(&outcome.log)));
    }
    if lines.is_empty() { Verdict::Passed } else { Verdict::Failed(lines) }
}

fn compare(expected: &Expected, got: &Answer) -> Vec<String> {
    match (expected, got) {
        (Expected::Answer(Answer::Taken(expected)), Answer::Taken(got)) => {
            differences(expected, got).iter().map(ToString::to_string).collect()
        }
        (Expected::Answer(Answer::Error(expected)), Answer::Error(got)) if expected == got => Vec::new(),
        (Expected::Failure(expected), Answer::Failure(cause, _)) if *expected == cause.to_string() => Vec::new(),
        (Expected::Answer(Answer::Taken(_)), got) => vec![format!("expected an answer, got {got}")],
        (Expected::Answer(expected), got) => vec![format!("expected {expected}"), format!("got {got}")],
        (Expected::Failure(expected), got) => vec![format!("expected a failure ({expected}), got {got}")],
    }
}

fn compare_log(expected: &[String], got: &[String]) -> Vec<String> {
    let text = |line: Option<&String>| line.map_or_else(|| "nothing".to_owned(), |line| format!("`{line}`"));
    let lines = 0..expected.len().max(got.len());
    let differ = lines.filter(|index| expected.get(*index) != got.get(*index));
    differ.map(|index| format!("log, line {}: expected {}, got {}", index + 1, text(expected.get(index)), text(got.get(index)))).collect()
}

/// What was logged, as `log.txt` has it: `LEVEL TEXT` a line.
pub fn log_lines(log: &[LogLine]) -> Vec<String> {
    let written = log.iter().map(|line| format!("{} {}", level(line), line.text)).collect::<Vec<_>>().join("\n");
    written.lines().map(str::to_owned).collect()
}

fn level(line: &LogLine) -> String {
    serde_json::to_value(line.level).ok().and_then(|level| level.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Writes down what the plugin answered as what must come of the case. The files that were written; none where all was so already.
///
/// A failed call becomes what is expected only where a failure was expected before: nobody wants a trap for ever.
pub fn update(case: &Case, golden: &Golden) -> Result<Vec<PathBuf>, FileError> {
    let path = expected_path(&case.dir);
    let mut written = Vec::new();
    let failure_was_expected = case.expected.as_ref().is_some_and(|expected| expected.get("failure").is_some());
    let answer = match &golden.outcome.answer {
        Answer::Taken(value) => match golden.posed.function {
            Function::Schedule | Function::Review => raw(&golden.outcome),
            Function::Query | Function::RenderRoles | Function::Apply(_) | Function::CheckConfig => json!({ "value": value }),
        },
        Answer::Error(text) => json!({ "error": text }),
        Answer::Failure(cause, _) if failure_was_expected && *cause != FailureCause::Host => json!({ "failure": cause.to_string() }),
        Answer::Failure(cause, message) => {
            return Err(FileError::new(&path, format!("is left as it was: the call failed ({cause}): {message}")));
        }
    };
    if golden.verdict != Verdict::Passed {
        let is_new = case.expected.as_ref().is_none_or(|before| !differences(before, &answer).is_empty());
        if is_new {
            let text = serde_json::to_string_pretty(&answer).expect("it was made of JSON") + "\n";
            write(&path, &text, &mut written)?;
        }
        let lines = log_lines(&golden.outcome.log);
        if case.log.as_ref().is_some_and(|before| *before != lines) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            write(&log_path(&case.dir), &text, &mut written)?;
        }
    }
    Ok(written)
}

/// The answer in the plugin's own notation.
fn raw(outcome: &Outcome) -> Value {
    let output = outcome.output.as_ref().expect("what was taken was answered");
    serde_json::from_slice(&output.0).expect("what was taken is JSON")
}

fn write(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> Result<(), FileError> {
    fs::write(path, text).map_err(|err| FileError::new(path, format!("cannot be written: {err}")))?;
    written.push(path.to_owned());
    Ok(())
}
