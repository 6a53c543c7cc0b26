//! Cases' documents as what a round would know. They are read strictly: a case with a misspelt key proves nothing.

mod cluster;
mod query;
mod round;
mod schedule;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use verwalter_core::contract;
use verwalter_core::json::strict::{self, JsonLimits};

pub use query::{Asked, Rendered};
pub use round::{Proposed, Scene};
use verwalter_core::schedule::Schedule;

/// What an operator's own file may hold: no plugin's limits.
pub(super) const LIMITS: JsonLimits = JsonLimits { depth: 100, values: 100_000_000 };

/// What is wrong with a document. Whoever wrote the case is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if key.is_empty() { String::new() } else { format!("`{key}`: ") })]
pub struct Flaw {
    /// Where, dotted; empty where the whole document is meant.
    pub key: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Flaw {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Flaw {
        Flaw { key: key.into(), message: message.into() }
    }
}

/// Reads a document of a known form: once strictly, since the second reading would pass over keys that stand twice.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Flaw> {
    let value = strict::read_fixed(text, LIMITS).map_err(|err| Flaw::new(err.path, err.message))?;
    if !value.is_object() {
        // A list would be taken for the values of a struct in their order.
        return Err(Flaw::new("", "must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|err| {
        let path = err.path().to_string();
        Flaw::new(if path == "." { String::new() } else { path }, err.inner().to_string())
    })
}

/// Reads a schedule of which the nodes need not be known, in either notation.
pub(super) fn schedule(text: &str) -> Result<Schedule, Flaw> {
    schedule::read(text, "")
}

/// Documents of other versions are not understood.
fn version(v: Option<u32>) -> Result<(), Flaw> {
    match v {
        None | Some(contract::VERSION) => Ok(()),
        Some(_) => Err(Flaw::new("v", format!("must be {}: the version of the contract", contract::VERSION))),
    }
}

/// The text of an object, as it was written.
fn object(text: Option<Box<RawValue>>, key: &str) -> Result<Option<String>, Flaw> {
    match text {
        Some(text) if !text.get().starts_with('{') => Err(Flaw::new(key, "must be an object")),
        text => Ok(text.map(|text| Box::<str>::from(text).into_string())),
    }
}

#[cfg(test)]
mod tests;
