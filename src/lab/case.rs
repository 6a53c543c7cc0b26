//! A golden case as it lies on disk: what is asked, what must come of it, the manifest laid over the plugin's own, the lines that must be logged.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use verwalter_core::json::strict;
use verwalter_core::plain::plain;
use verwalter_core::ports::{FailureCause, Kind, RawOutput};

use super::input::{Flaw, LIMITS};
use super::outcome::{Answer, read_review_answer, read_schedule_answer};
use super::question::{Function, Posed, Question};
use crate::config::file::{FileError, read_text};
use crate::config::suggest;
use crate::plugin::manifest::Manifest;

/// The largest file of a case. Arbitrary, above a document of 10,000 peers with twenty columns.
const MAX_BYTES: u64 = 64 << 20;

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its directory's name.
    pub name: String,
    /// Its directory.
    pub dir: PathBuf,
    /// What is asked.
    pub question: Question,
    /// What must come of it; `None` where nobody has said so yet.
    pub expected: Option<Value>,
    /// The manifest under which it is asked; `None`: the plugin's own.
    pub manifest: Option<Manifest>,
    /// The lines that must be logged; `None`: any.
    pub log: Option<Vec<String>>,
}

/// The cases in `dir`, by name. Each is read by itself: a broken one hides no other.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let io = |err| FileError::io(dir, &err);
    let mut cases = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            cases.push(path);
        }
    }
    cases.sort();
    Ok(cases)
}

impl Case {
    /// Reads the case in `dir` for a plugin with this manifest.
    pub fn read(dir: &Path, manifest: &Manifest) -> Result<Case, Vec<FileError>> {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let own = |flaw: Flaw, path: &Path| vec![FileError::new(path, flaw.message).at_key(flaw.key)];
        let (input, config) = (dir.join("input.json"), dir.join("config.json"));
        let question = match (input.exists(), config.exists()) {
            (true, false) => Question::read(manifest.kind, &text(&input)?).map_err(|flaw| own(flaw, &input))?,
            (false, true) => Question::check_config(&text(&config)?).map_err(|flaw| own(flaw, &config))?,
            (true, true) => {
                return Err(vec![FileError::new(dir, "has `input.json` and `config.json`: a case asks one question, make two of it")]);
            }
            (false, false) => {
                let message =
                    format!("has neither `input.json`, {}, nor `config.json`: write what is to be asked", input_of(manifest.kind));
                return Err(vec![FileError::new(dir, message)]);
            }
        };
        let overlay = dir.join("manifest.yaml");
        let manifest = if overlay.exists() { Some(manifest.overlaid(&overlay)?) } else { None };
        let path = expected_path(dir);
        let expected = if path.exists() {
            let value = strict::read_fixed(&text(&path)?, LIMITS);
            Some(value.map_err(|err| vec![FileError::new(&path, err.message).at_key(err.path)])?)
        } else {
            None
        };
        let path = log_path(dir);
        let log = if path.exists() { Some(text(&path)?.lines().map(str::to_owned).collect()) } else { None };
        Ok(Case { name, dir: dir.to_owned(), question, expected, manifest, log })
    }
}

/// Where a case says what must come of it.
pub(super) fn expected_path(dir: &Path) -> PathBuf {
    dir.join("expected.json")
}

/// Where it says what must be logged.
pub(super) fn log_path(dir: &Path) -> PathBuf {
    dir.join("log.txt")
}

fn text(path: &Path) -> Result<String, Vec<FileError>> {
    read_text(path, MAX_BYTES).map_err(|err| vec![err])
}

/// What a case expects.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// An answer, or an error in the plugin's own words.
    Answer(Answer),
    /// That the host ends the call; the cause as it is written.
    Failure(String),
}

/// Reads `expected.json`: `{"error": TEXT}`, `{"failure": CAUSE}`, or the answer itself, for filters, queries and configurations in
/// `{"value": …}`. A schedule or verdict is taken as if the plugin had answered it, so either notation will do.
pub fn expected(posed: &Posed, written: &Value) -> Result<Expected, Flaw> {
    let object = written.as_object().filter(|object| !object.is_empty());
    let object = object.ok_or_else(|| Flaw::new("", "must be an object with the answer, or with `error` or `failure`"))?;
    let only = |key: &str| object.get(key).filter(|_| object.len() == 1);
    if let Some(error) = only("error") {
        let text = error.as_str().ok_or_else(|| Flaw::new("error", "must be a text"))?;
        return Ok(Expected::Answer(Answer::Error(text.to_owned())));
    }
    if let Some(failure) = only("failure") {
        let cause = failure.as_str().ok_or_else(|| Flaw::new("failure", "must be a text: `fuel`, `trap`, …"))?;
        let causes: Vec<String> = FailureCause::ALL.iter().map(ToString::to_string).collect();
        let causes: Vec<&str> = causes.iter().map(String::as_str).collect();
        if !causes.contains(&cause) {
            let message = format!("there is no cause `{}`: {}", plain(cause, 80), suggest::hint(cause, &causes));
            return Err(Flaw::new("failure", message));
        }
        return Ok(Expected::Failure(cause.to_owned()));
    }
    let output = || RawOutput(written.to_string().into_bytes());
    let answer = match posed.function {
        Function::Schedule => read_schedule_answer(&output(), posed.view.snapshot().peers(), LIMITS),
        Function::Review => read_review_answer(&output(), LIMITS),
        Function::Query | Function::RenderRoles | Function::Apply(_) | Function::CheckConfig => {
            only("value").cloned().ok_or_else(|| "must hold `value`, `error` or `failure`, and nothing else".to_owned())
        }
    };
    answer.map(|value| Expected::Answer(Answer::Taken(value))).map_err(|message| Flaw::new("", message))
}

/// What a case's `input.json` holds for a plugin of this kind.
fn input_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Scheduler => "a scheduler's input document",
        Kind::Policy => "a policy's input document",
        Kind::Filter => "`{\"name\": FILTER, \"args\": […]}`",
        Kind::Query => "a question, or a render document",
    }
}
