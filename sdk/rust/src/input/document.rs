//! The input document, split into its parts in one pass. The parts stay text until somebody asks.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use verwalter_core::contract::VERSION;

use crate::error::Error;
use crate::order;
use crate::text::{Members, Text};

/// A scheduler's or a policy's document. Policies have the last three keys and no parents and actions; schedulers read past those, so
/// that their plugins need no code for them.
#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>, D: Deserialize<'de>"))]
pub(crate) struct Document<'a, S = IgnoredAny, D = IgnoredAny> {
    v: u32,
    pub(super) now: u64,
    pub(super) round: u64,
    pub(super) term: u64,
    #[serde(borrow)]
    pub(super) current_host: Text<'a>,
    #[serde(borrow)]
    pub(super) current_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) config: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) runtime: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) parents: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) actions: Option<&'a RawValue>,
    /// Absent with `input: columns`.
    #[serde(borrow, default)]
    pub(super) peers: Option<Rows<'a>>,
    #[serde(borrow, default)]
    metrics: Option<Members<'a>>,
    #[serde(default = "Option::default")]
    pub(crate) schedule: Option<S>,
    #[serde(default = "Option::default")]
    pub(crate) previous: Option<S>,
    #[serde(default = "Option::default")]
    pub(crate) diff: Option<D>,
}

impl<'a, S: Deserialize<'a>, D: Deserialize<'a>> Document<'a, S, D> {
    #[inline]
    pub(crate) fn read(text: &'a str) -> Result<Document<'a, S, D>, Error> {
        let document: Document<'a, S, D> = serde_json::from_str(text).map_err(|err| Error::Document(err.to_string()))?;
        check_version(document.v)?;
        Ok(document)
    }

    /// What schedulers have of it.
    pub(crate) fn common(self) -> Document<'a> {
        let Document { v, now, round, term, current_host, current_id, config, runtime, parents, actions, peers, metrics, .. } = self;
        let (schedule, previous, diff) = (None, None, None);
        Document {
            v,
            now,
            round,
            term,
            current_host,
            current_id,
            config,
            runtime,
            parents,
            actions,
            peers,
            metrics,
            schedule,
            previous,
            diff,
        }
    }
}

impl Document<'_> {
    /// The values of a column that travels in the document; NaN for `null`.
    #[inline]
    pub(super) fn column(&self, name: &str) -> Result<Option<Vec<f64>>, Error> {
        let Some(raw) = self.metrics.as_ref().and_then(|metrics| metrics.get(name)) else { return Ok(None) };
        let values: Vec<Sample> =
            serde_json::from_str(raw.get()).map_err(|source| Error::Part { key: format!("metrics.{name}"), source })?;
        Ok(Some(values.into_iter().map(|sample| sample.0).collect()))
    }
}

/// Refuses a document of another version of the contract.
pub(crate) fn check_version(version: u32) -> Result<(), Error> {
    if version == VERSION {
        return Ok(());
    }
    Err(Error::Document(format!("version {version} is not spoken here, only {VERSION}: build the plugin with a newer SDK")))
}

/// A number, or `null` for none.
struct Sample(f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sample, D::Error> {
        Ok(Sample(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN)))
    }
}

/// The document's peers, by hostname.
pub(super) struct Rows<'a>(pub(super) Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rows<'a>, D::Error> {
        let Members(mut rows) = Members::deserialize(deserializer)?;
        // The host writes them in order, which is the order of the columns; a document written by hand may not.
        if !rows.is_sorted_by(|a, b| a.0 < b.0) {
            let order = order::positions(rows.len(), &|a, b| rows[a].0.cmp(&rows[b].0));
            rows = order.into_iter().map(|at| rows[at].clone()).collect();
            if let Some(pair) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(serde::de::Error::custom(format_args!("the peer `{}` stands twice", pair[0].0.0)));
            }
        }
        Ok(Rows(rows))
    }
}
