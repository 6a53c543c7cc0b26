//! From an author's functions to what the host calls: the macros, and what they expand to.
//!
//! The macros connect; they decide nothing. Natively they only check the functions' types.

#[cfg(all(target_arch = "wasm32", not(feature = "core-abi")))]
mod component;
#[cfg(all(target_arch = "wasm32", feature = "core-abi"))]
#[doc(hidden)]
pub mod core_abi;
mod macros;
#[cfg(test)]
mod tests;

use std::fmt;
use std::mem::ManuallyDrop;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::args::RawArgs;
use crate::host::Host;
use crate::input::Input;
use crate::json;
use crate::query::{Question, Render, Roles};
use crate::review::{Review, Verdict};

/// What every plugin says of itself.
pub trait Described {
    /// The JSON of `describe`.
    fn describe() -> String;

    /// Whether `config`, the JSON of the manifest's mapping, will do.
    fn check_config(_config: &str) -> Result<(), String> {
        Ok(())
    }
}

/// What a scheduler exports.
pub trait Scheduler: Described {
    /// Input document to answer.
    fn schedule(host: &'static dyn Host, input: &str) -> Result<String, String>;
}

/// What a policy exports.
pub trait Policy: Described {
    /// Review document to verdict.
    fn review(host: &'static dyn Host, input: &str) -> Result<String, String>;
}

/// What a query plugin exports.
pub trait Query: Described {
    /// Question to answer.
    fn query(input: &str) -> Result<String, String>;

    /// Render document to the roles of one node.
    fn render_roles(_input: &str) -> Result<String, String> {
        Ok("null".to_owned())
    }
}

/// What a filter plugin exports.
pub trait Filters: Described {
    /// The filters' names.
    const NAMES: &'static [&'static str];

    /// Calls one of them.
    fn apply(name: &str, args: &str) -> Result<String, String>;
}

#[doc(hidden)]
pub const fn is_scheduler<P: Scheduler>() {}

#[doc(hidden)]
pub const fn is_policy<P: Policy>() {}

#[doc(hidden)]
pub const fn is_filters<P: Filters>() {}

#[doc(hidden)]
pub const fn is_query<P: Query>() {}

/// What `describe` answers.
#[derive(Debug)]
pub struct Description {
    name: &'static str,
    version: &'static str,
    kind: &'static str,
    input: Option<&'static str>,
    reads: Option<&'static [&'static str]>,
}

impl Description {
    /// A description without optional parts.
    pub const fn new(kind: &'static str, name: &'static str, version: &'static str) -> Description {
        Description { name, version, kind, input: None, reads: None }
    }

    /// How it wants peers and metrics: `document` or `columns`; the host checks it.
    pub const fn input(self, input: &'static str) -> Description {
        Description { input: Some(input), ..self }
    }

    /// The parts of the document that it reads; the host checks them.
    pub const fn reads(self, reads: &'static [&'static str]) -> Description {
        Description { reads: Some(reads), ..self }
    }

    /// Its JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (key, value) in [("name", Some(self.name)), ("version", Some(self.version)), ("kind", Some(self.kind)), ("input", self.input)] {
            if let Some(value) = value {
                json::write_member(key, &mut out);
                json::write_str(value, &mut out);
            }
        }
        if let Some(reads) = self.reads {
            json::write_member("reads", &mut out);
            json::write_list(reads.iter().copied(), &mut out);
        }
        out.push('}');
        out
    }
}

/// Runs one decision: what the host calls, and what a test of a whole document calls too (with a [`Stub`](crate::host::Stub)).
pub fn schedule<E: fmt::Display>(decide: impl Fn(&Input<'_>) -> Result<Answer, E>, host: &dyn Host, input: &str) -> Result<String, String> {
    // Never freed: an instance serves one decision, and to free what it read is work for nothing.
    let input = ManuallyDrop::new(Input::read(input, host).map_err(|err| err.to_string())?);
    let answer = ManuallyDrop::new(decide(&input).map_err(|err| err.to_string())?);
    Ok(answer.to_json(&input))
}

/// Runs one review: what the host calls, and what a test of a whole document calls too (with a [`Stub`](crate::host::Stub)).
pub fn review<E: fmt::Display>(judge: impl Fn(&Review<'_>) -> Result<Verdict, E>, host: &dyn Host, input: &str) -> Result<String, String> {
    let review = ManuallyDrop::new(Review::read(input, host).map_err(|err| err.to_string())?);
    judge(&review).map(|verdict| verdict.to_json()).map_err(|err| err.to_string())
}

/// Answers one question.
pub fn query<T: Serialize, E: fmt::Display>(answer: impl Fn(&Question<'_>) -> Result<T, E>, input: &str) -> Result<String, String> {
    let question = ManuallyDrop::new(Question::read(input).map_err(|err| err.to_string())?);
    let value = answer(&question).map_err(|err| err.to_string())?;
    json::to_string(&value).map_err(|err| format!("the answer: {err}"))
}

/// Chooses the roles of one node.
pub fn render_roles<E: fmt::Display>(choose: impl Fn(&Render<'_>) -> Result<Option<Roles>, E>, input: &str) -> Result<String, String> {
    let render = ManuallyDrop::new(Render::read(input).map_err(|err| err.to_string())?);
    let roles = choose(&render).map_err(|err| err.to_string())?;
    Ok(roles.map_or_else(|| "null".to_owned(), |roles| roles.to_json()))
}

/// Reads a configuration as `T` and asks `check`.
pub fn check_config<T: for<'de> Deserialize<'de>, E: fmt::Display>(
    check: impl Fn(&T) -> Result<(), E>,
    config: &str,
) -> Result<(), String> {
    let config: T = serde_json::from_str(config).map_err(|err| format!("config: {err}"))?;
    check(&config).map_err(|err| err.to_string())
}

/// Runs one filter.
pub fn filter<T: Serialize, E: fmt::Display>(
    name: &str,
    filter: impl Fn(RawArgs<'_>) -> Result<T, E>,
    args: &str,
) -> Result<String, String> {
    let value = filter(RawArgs::new(args)).map_err(|err| format!("{name}: {err}"))?;
    json::to_string(&value).map_err(|err| format!("{name}: the result: {err}"))
}

/// The answer to a name that is none of `names`.
pub fn no_filter(name: &str, names: &[&str]) -> Result<String, String> {
    Err(format!("there is no filter `{}`; this plugin has {}", name.escape_debug(), names.join(", ")))
}

/// Connects the log, once the host has called.
#[doc(hidden)]
pub fn connect(host: &'static dyn Host) {
    crate::log::connect(host);
}
