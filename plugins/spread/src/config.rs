//! The manifest's `config`. Nothing in it names a role: roles are the operator's runtime metadata.

use serde::Deserialize;

/// How the scheduler weighs and what it writes down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The machine fact over whose values each role is spread evenly.
    pub spread: Option<String>,
    /// How much each kind of free capacity counts.
    pub weights: Weights,
    /// The columns whose values at placement time are kept in a placement's variable `placed`.
    pub record: Vec<String>,
}

/// Shares of the score; only their ratio counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Of free memory.
    pub memory: u32,
    /// Of idle CPU.
    pub cpu: u32,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights { memory: 1, cpu: 1 }
    }
}

/// The greatest weight: keeps sums of weighted shares within 64 bits, and is finer than anybody's judgement.
pub const MAX_WEIGHT: u32 = 1000;
/// The most recorded columns. Arbitrary; each is written for every placement.
pub const MAX_RECORD: usize = 16;

/// A configuration that was refused. The operator is at fault; the plugin in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No fact has an empty name.
    #[error("`spread` is empty: name a machine fact such as rack, or leave it out")]
    Spread,
    /// A weight too large.
    #[error("`weights.{key}` is {value}: give 0 to {MAX_WEIGHT}")]
    Weight {
        /// Which.
        key: &'static str,
        /// What was given.
        value: u32,
    },
    /// Nothing counts.
    #[error("`weights` are all 0: give at least one of memory and cpu a weight")]
    NoWeight,
    /// Too many columns to record.
    #[error("`record` names {0} columns: {MAX_RECORD} at most")]
    Record(usize),
    /// A name that `placed` has for itself, or that no column has.
    #[error("`record` names `{0}`: name columns that the manifest's `metrics` declare")]
    RecordName(String),
}

impl Config {
    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.spread.as_deref() == Some("") {
            return Err(ConfigError::Spread);
        }
        for (key, value) in [("memory", self.weights.memory), ("cpu", self.weights.cpu)] {
            if value > MAX_WEIGHT {
                return Err(ConfigError::Weight { key, value });
            }
        }
        if self.weights == (Weights { memory: 0, cpu: 0 }) {
            return Err(ConfigError::NoWeight);
        }
        if self.record.len() > MAX_RECORD {
            return Err(ConfigError::Record(self.record.len()));
        }
        match self.record.iter().find(|name| name.is_empty() || *name == "at") {
            Some(name) => Err(ConfigError::RecordName(name.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, expect: &str) {
        let got = verwalter_plugin::export::check_config(Config::check, config);
        assert_eq!(got.err().unwrap_or_default(), expect, "{config}");
    }

    #[test]
    fn configurations() {
        check("{}", "");
        check(r#"{"spread":"rack","weights":{"cpu":3},"record":["memory_free","cpu"]}"#, "");
        check(r#"{"sread":"rack"}"#, "config: unknown field `sread`, expected one of `spread`, `weights`, `record` at line 1 column 8");
        check(r#"{"spread":""}"#, "`spread` is empty: name a machine fact such as rack, or leave it out");
        check(r#"{"weights":{"memory":0,"cpu":0}}"#, "`weights` are all 0: give at least one of memory and cpu a weight");
        check(r#"{"weights":{"memory":1001}}"#, "`weights.memory` is 1001: give 0 to 1000");
        check(r#"{"record":["at"]}"#, "`record` names `at`: name columns that the manifest's `metrics` declare");
        let many: Vec<String> = (0..17).map(|n| format!("c{n}")).collect();
        check(&serde_json::json!({ "record": many }).to_string(), "`record` names 17 columns: 16 at most");
    }
}
