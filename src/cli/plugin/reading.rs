//! What a node tells of its plugins, read leniently: what is missing, null or new does not matter. The node may have another version.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `/v1/plugins`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plugins {
    pub(super) reloading_since: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) plugins: Vec<Plugin>,
}

/// One plugin.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plugin {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    pub(super) kind: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) state: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) activated_at: Option<u64>,
    pub(super) activations: Option<u64>,
    pub(super) abi: Option<String>,
    pub(super) size_bytes: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) imports: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) filters: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) limits: BTreeMap<String, Value>,
    pub(super) error: Option<Failed>,
    #[serde(deserialize_with = "or_default")]
    pub(super) steps: Vec<Step>,
    #[serde(deserialize_with = "or_default")]
    pub(super) generations: Vec<Generation>,
    #[serde(deserialize_with = "or_default")]
    pub(super) quarantined: Vec<Quarantined>,
    #[serde(deserialize_with = "or_default")]
    pub(super) metrics: Metrics,
}

/// Why the newest file is not in force.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failed {
    pub(super) step: Option<String>,
    pub(super) digest: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    pub(super) at: Option<u64>,
}

/// One step of the newest activation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    #[serde(deserialize_with = "or_default")]
    pub(super) step: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) outcome: String,
    pub(super) took_us: Option<u64>,
    pub(super) note: Option<String>,
}

/// A build that is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Generation {
    pub(super) number: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) digest: String,
    pub(super) activated_at: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) proven: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) in_force: bool,
    pub(super) quarantined: Option<String>,
}

/// A build that must not come into force.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Quarantined {
    #[serde(deserialize_with = "or_default")]
    pub(super) digest: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    pub(super) since: Option<u64>,
}

/// What the build in force did and cost.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    pub(super) calls: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) failures: BTreeMap<String, u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) latency_us: Latency,
    #[serde(deserialize_with = "or_default")]
    pub(super) fuel: Fuel,
    pub(super) peak_memory_bytes: Option<u64>,
    pub(super) log_lines: Option<u64>,
    pub(super) log_suppressed: Option<u64>,
}

/// Microseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Latency {
    pub(super) p50: Option<u64>,
    pub(super) p90: Option<u64>,
    pub(super) p99: Option<u64>,
    pub(super) max: Option<u64>,
}

/// Fuel used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fuel {
    pub(super) last: Option<u64>,
    pub(super) total: Option<u64>,
}

/// Null is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Plugin {
    /// How the newest attempt ended, for a sentence about its last step.
    pub(super) fn fared(&self) -> &'static str {
        match self.steps.last() {
            Some(step) if step.outcome == "pending" => "goes on, as of",
            _ => "failed",
        }
    }

    /// The generation in force.
    pub(super) fn generation(&self) -> Option<u64> {
        self.generations.iter().find(|generation| generation.in_force)?.number
    }

    /// Failed calls of the build in force.
    pub(super) fn failures(&self) -> Option<u64> {
        self.metrics.calls.map(|_| self.metrics.failures.values().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_null_or_new_does_not_matter() {
        let check = |text: &str, name: &str, state: Option<&str>| {
            let read: Plugins = serde_json::from_str(text).unwrap_or_else(|err| panic!("{text}: {err}"));
            assert_eq!(read.plugins.first().map(|plugin| (plugin.name.as_str(), plugin.state.as_deref())), Some((name, state)), "{text}");
        };
        check(r#"{"plugins": [{}]}"#, "", None);
        check(r#"{"generation": 3, "plugins": [{"name": "a", "state": "active", "colour": {"of": ["the", "sky"]}}]}"#, "a", Some("active"));
        let nulls = r#"{"plugins": [{"name": "a", "kind": null, "imports": null, "limits": null, "error": null, "steps": null,
            "generations": [{"number": null, "digest": null, "in_force": null, "quarantined": null}], "metrics": {"failures": null, "latency_us": null}}]}"#;
        check(nulls, "a", None);
    }
}
