//! From what modules of verwalter 0.13 answered to answers of the contract. Values stay the text that they are: whether they will
//! do is for those to say who read answers of any plugin.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use verwalter_core::contract::VERSION;

use super::Misfit;
use crate::plugin::guest::Reply;

/// What `scheduler` returned. Other keys were never read.
#[derive(Deserialize)]
#[serde(expecting = "an object with `schedule`, `log` and `actions`")]
struct OldSchedule<'a> {
    #[serde(borrow)]
    schedule: &'a RawValue,
    #[serde(borrow)]
    log: Option<&'a RawValue>,
    #[serde(borrow)]
    actions: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    v: u32,
    schedule: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a RawValue>,
}

pub(super) fn schedule(text: &str) -> Result<Reply, Misfit> {
    let OldSchedule { schedule, log, actions } = parse("scheduler", text)?;
    Ok(done(&Answer { v: VERSION, schedule, actions, log }))
}

/// What functions of query modules return: a `Result` of Rust.
#[derive(Deserialize)]
#[serde(expecting = "an object with `Ok` or `Err`")]
enum Outcome<'a> {
    #[serde(borrow)]
    Ok(&'a RawValue),
    #[serde(borrow)]
    Err(&'a RawValue),
}

/// An error as the library for query modules wrote it.
#[derive(Deserialize)]
struct OldError {
    kind: String,
    message: String,
    causes: Option<Vec<String>>,
    backtrace: Option<String>,
}

pub(super) fn init(text: &str) -> Result<Reply, Misfit> {
    outcome("init", text, |_| Ok(Reply::Done(Vec::new())))
}

pub(super) fn query(text: &str) -> Result<Reply, Misfit> {
    outcome("query", text, |value| Ok(Reply::Done(value.get().as_bytes().to_vec())))
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `to_render` and `all_roles`")]
struct OldRoles<'a> {
    #[serde(borrow)]
    to_render: &'a RawValue,
    #[serde(borrow)]
    all_roles: &'a RawValue,
}

#[derive(Serialize)]
struct Roles<'a> {
    v: u32,
    to_render: &'a RawValue,
    all_roles: &'a RawValue,
}

pub(super) fn render_roles(text: &str) -> Result<Reply, Misfit> {
    const FUNCTION: &str = "render_roles";
    outcome(FUNCTION, text, |value| {
        let OldRoles { to_render, all_roles } = parse(FUNCTION, value.get())?;
        Ok(done(&Roles { v: VERSION, to_render, all_roles }))
    })
}

fn outcome(function: &'static str, text: &str, use_it: impl FnOnce(&RawValue) -> Result<Reply, Misfit>) -> Result<Reply, Misfit> {
    match parse(function, text)? {
        Outcome::Ok(value) => use_it(value),
        Outcome::Err(error) => Ok(Reply::Refused(format!("`{function}`: {}", describe(error)))),
    }
}

/// The error in one line; one of a shape that is not known, raw.
fn describe(error: &RawValue) -> String {
    let Ok(OldError { kind, message, causes, backtrace }) = serde_json::from_str(error.get()) else {
        return format!("unknown error: {}", error.get());
    };
    let causes =
        causes.filter(|causes| !causes.is_empty()).map_or(String::new(), |causes| format!("; because {}", causes.join("; because ")));
    let backtrace = backtrace.map_or(String::new(), |backtrace| format!("; backtrace: {backtrace}"));
    format!("{kind} error: {message}{causes}{backtrace}")
}

fn parse<'a, T: Deserialize<'a>>(function: &'static str, text: &'a str) -> Result<T, Misfit> {
    serde_json::from_str(text).map_err(|err| Misfit::Answer { function, reason: err.to_string() })
}

fn done(answer: &impl Serialize) -> Reply {
    Reply::Done(serde_json::to_vec(answer).expect("text keys, and values that are JSON already"))
}
