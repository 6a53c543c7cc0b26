//! What a node tells of its series, read leniently: what is missing, null or new does not matter. The node may have another version.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use verwalter_collect::unit::Unit;

use super::figure::Measure;
use super::points::As;

/// `/v1/metrics` and `/v1/metrics/samples`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told<T: Default + for<'a> Deserialize<'a>> {
    /// Milliseconds since 1970.
    pub(super) at: Option<u64>,
    pub(super) readings: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) series: Vec<T>,
    #[serde(deserialize_with = "or_default")]
    pub(super) left_out: usize,
    #[serde(deserialize_with = "or_default")]
    pub(super) near: Vec<String>,
}

/// A series in a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: String,
    pub(super) unit: Option<String>,
    pub(super) value: Option<f64>,
    /// Of cantal's states: a text instead of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    pub(super) age_ms: Option<u64>,
}

/// A series with samples.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sampled {
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    kind: String,
    unit: Option<String>,
    /// Age in milliseconds and value, the oldest first.
    #[serde(deserialize_with = "or_default")]
    pub(super) samples: Vec<(u64, f64)>,
}

impl Line {
    pub(super) fn measure(&self) -> Measure {
        Measure { unit: self.unit.as_deref().and_then(Unit::named), per_second: false }
    }
}

impl Sampled {
    pub(super) fn shown_as(&self) -> As {
        if self.kind == "counter" { As::Rate } else { As::Level }
    }

    pub(super) fn measure(&self) -> Measure {
        Measure { unit: self.unit.as_deref().and_then(Unit::named), per_second: self.shown_as() == As::Rate }
    }
}

/// Null is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_null_or_new_does_not_matter() {
        let told: Told<Line> =
            serde_json::from_str(r#"{"v": 2, "series": [{}, {"labels": null, "unit": "furlongs", "new": [1]}], "near": null}"#)
                .expect("it is understood");
        assert_eq!((told.series.len(), told.left_out, told.series[1].measure().unit), (2, 0, None));
        let told: Told<Sampled> =
            serde_json::from_str(r#"{"series": [{"kind": "counter", "unit": "bytes", "samples": [[2000, 1], [0, 2.5]]}]}"#)
                .expect("it is understood");
        assert_eq!(told.series[0].samples, [(2000, 1.0), (0, 2.5)]);
        assert_eq!(told.series[0].measure(), Measure { unit: Some(Unit::Bytes), per_second: true });
    }
}
