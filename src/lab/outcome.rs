//! Asking a plugin, and what the host would take of its answer. An answer that the host would refuse is a failure here too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use verwalter_core::admit::{Admitted, admit};
use verwalter_core::json::canonical;
use verwalter_core::json::strict::{self, JsonLimits};
use verwalter_core::peers::PeerTable;
use verwalter_core::ports::{Cost, Decision, Failure, FailureCause, LogLine, Plugin, Policy, Query, RawOutput};
use verwalter_core::review::read_verdict;
use verwalter_core::roles::read_override;
use verwalter_core::schedule::Schedule;

use super::question::{Function, Posed};
use crate::plugin::{Loaded, Session};
use crate::round::decide::decide;

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What the host takes.
    pub answer: Answer,
    /// The bytes that the plugin handed over, where the call came to its end without an error.
    pub output: Option<RawOutput>,
    /// What a scheduler decided.
    pub schedule: Option<Schedule>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What it cost; `None` where it did not run.
    pub cost: Option<Cost>,
}

/// What the host takes of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A sound one, in one form for all notations.
    Taken(Value),
    /// An error in the plugin's own words.
    Error(String),
    /// The host ended the call, or refused what came of it.
    Failure(FailureCause, String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Taken(value) => f.write_str(&canonical::to_string(value)),
            Answer::Error(text) => write!(f, "the error `{text}`"),
            Answer::Failure(cause, message) => write!(f, "a failure ({cause}): {message}"),
        }
    }
}

/// Calls the plugin in a fresh instance.
pub fn put(plugin: &Arc<Loaded>, posed: &Posed) -> Outcome {
    match &posed.function {
        Function::Schedule => scheduled(plugin, posed),
        Function::Review => taken(plugin, plugin.review(&posed.text, &posed.view), |output| {
            read_verdict(output, plugin.json_limits()).map(|verdict| verdict_value(&verdict)).map_err(|err| err.to_string())
        }),
        Function::Query => taken(plugin, plugin.query(&posed.text), |output| any_json(output, plugin.json_limits())),
        Function::RenderRoles => taken(plugin, plugin.render_roles(&posed.text), |output| {
            read_override(output, plugin.json_limits()).map_err(|err| err.to_string())?;
            any_json(output, plugin.json_limits())
        }),
        Function::Apply(name) => put_in(&mut plugin.session(), plugin, name, &posed.text),
        Function::CheckConfig => taken(plugin, plugin.check_config(&posed.text), |_| Ok(Value::Null)),
    }
}

/// Calls a filter in an instance that may have answered others before.
pub fn put_in(session: &mut Session, plugin: &Loaded, name: &str, args: &str) -> Outcome {
    if !plugin.filters().iter().any(|known| known == name) {
        let message = format!("there is no filter `{name}`: it offers {}", plugin.filters().join(", "));
        return Outcome { answer: Answer::Failure(FailureCause::Host, message), output: None, schedule: None, log: Vec::new(), cost: None };
    }
    taken(plugin, session.ask(name, args), |output| any_json(output, plugin.json_limits()))
}

fn scheduled(plugin: &Loaded, posed: &Posed) -> Outcome {
    match decide(plugin, &posed.text, &posed.view, Duration::ZERO) {
        Ok(decided) => Outcome {
            answer: Answer::Taken(admitted_value(&decided.admitted)),
            output: Some(decided.output),
            schedule: Some(decided.admitted.schedule),
            log: decided.log,
            cost: Some(decided.cost),
        },
        Err(undecided) => {
            let output = undecided.output().cloned();
            Outcome { output, ..failed(undecided.into_failure()) }
        }
    }
}

fn taken(plugin: &Loaded, called: Result<Decision, Failure>, read: impl FnOnce(&RawOutput) -> Result<Value, String>) -> Outcome {
    let Decision { output, log, cost } = match called {
        Ok(decision) => decision,
        Err(failure) => return failed(failure),
    };
    let answer = match read(&output) {
        Ok(value) => Answer::Taken(value),
        Err(message) => Answer::Failure(FailureCause::Refused, format!("plugin {}: {message}", plugin.id())),
    };
    Outcome { answer, output: Some(output), schedule: None, log, cost: Some(cost) }
}

fn failed(failure: Failure) -> Outcome {
    let answer = match failure.cause {
        FailureCause::Answered => Answer::Error(Loaded::reason(&failure).to_owned()),
        cause => Answer::Failure(cause, failure.message),
    };
    Outcome { answer, output: None, schedule: None, log: failure.log, cost: failure.cost.map(|cost| *cost) }
}

fn any_json(output: &RawOutput, limits: JsonLimits) -> Result<Value, String> {
    let text =
        std::str::from_utf8(&output.0).map_err(|err| format!("the answer is no UTF-8 text (first bad byte at {})", err.valid_up_to()))?;
    strict::read_value(text, limits).map_err(|err| format!("the answer was refused{}", err.placed()))
}

/// What the host would take of a scheduler's answer, written by hand or by a plugin.
pub fn read_schedule_answer(output: &RawOutput, known: &PeerTable, limits: JsonLimits) -> Result<Value, String> {
    admit(output, known, limits).map(|admitted| admitted_value(&admitted)).map_err(|err| err.to_string())
}

/// What the host would take of a policy's.
pub fn read_review_answer(output: &RawOutput, limits: JsonLimits) -> Result<Value, String> {
    read_verdict(output, limits).map(|verdict| verdict_value(&verdict)).map_err(|err| err.to_string())
}

/// The schedule in canonical form, and beside it what is not empty.
fn admitted_value(admitted: &Admitted) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("it was read once before");
    let mut value = Map::new();
    value.insert("schedule".to_owned(), read(admitted.schedule.canonical()));
    if !admitted.actions.is_empty() {
        value.insert("actions".to_owned(), Value::Object(admitted.actions.clone()));
    }
    if let Some(why) = admitted.why.as_json().map(read).filter(|why| why.as_object().is_none_or(|why| !why.is_empty())) {
        value.insert("why".to_owned(), why);
    }
    insert_texts(&mut value, "changes", &admitted.changes);
    Value::Object(value)
}

fn verdict_value(verdict: &verwalter_core::review::Verdict) -> Value {
    let mut value = Map::new();
    value.insert("verdict".to_owned(), json!(verdict.ruling));
    insert_texts(&mut value, "reasons", &verdict.reasons);
    insert_texts(&mut value, "warnings", &verdict.warnings);
    Value::Object(value)
}

fn insert_texts(value: &mut Map<String, Value>, key: &str, texts: &[String]) {
    if !texts.is_empty() {
        value.insert(key.to_owned(), json!(texts));
    }
}
