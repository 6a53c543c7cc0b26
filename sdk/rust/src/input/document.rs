//! The input document, split into its parts in one pass. The parts stay text until somebody asks.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Text;
use crate::error::Error;

/// The version of the contract that this reads.
const VERSION: u32 = 1;

#[derive(Deserialize)]
pub(super) struct Document<'a> {
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
}

impl<'a> Document<'a> {
    pub(super) fn read(text: &'a str) -> Result<Document<'a>, Error> {
        let document: Document<'a> = serde_json::from_str(text).map_err(|err| Error::Document(err.to_string()))?;
        if document.v != VERSION {
            let refusal = format!("version {} is not spoken here, only {VERSION}: build the plugin with a newer SDK", document.v);
            return Err(Error::Document(refusal));
        }
        Ok(document)
    }

    /// The values of a column that travels in the document; NaN for `null`.
    pub(super) fn column(&self, name: &str) -> Result<Option<Vec<f64>>, Error> {
        let Some(raw) = self.metrics.as_ref().and_then(|metrics| metrics.get(name)) else { return Ok(None) };
        let values: Vec<Sample> =
            serde_json::from_str(raw.get()).map_err(|source| Error::Part { key: format!("metrics.{name}"), source })?;
        Ok(Some(values.into_iter().map(|sample| sample.0).collect()))
    }
}

/// A number, or `null` for none.
struct Sample(f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sample, D::Error> {
        Ok(Sample(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN)))
    }
}

/// An object whose values stay text.
pub(super) struct Members<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name.0 == key).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The member `key` of the object that `raw` is; `None` where `raw` is something else or has no such member.
pub(super) fn member<'a>(raw: &'a RawValue, key: &str) -> Result<Option<&'a RawValue>, serde_json::Error> {
    struct Find<'k>(&'k str);
    impl<'de> Visitor<'de> for Find<'_> {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = access.next_key::<Text<'de>>()? {
                if found.is_none() && key.0 == self.0 {
                    found = Some(access.next_value()?);
                } else {
                    access.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    if !raw.get().starts_with('{') {
        return Ok(None);
    }
    serde_json::Deserializer::from_str(raw.get()).deserialize_map(Find(key))
}

/// The document's peers, by hostname.
pub(super) struct Rows<'a>(pub(super) Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rows<'a>, D::Error> {
        let Members(mut rows) = Members::deserialize(deserializer)?;
        // The host writes them in order, which is the order of the columns; a document written by hand may not.
        if !rows.is_sorted_by(|a, b| a.0 < b.0) {
            rows.sort_by(|a, b| a.0.cmp(&b.0));
            if let Some(pair) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(serde::de::Error::custom(format_args!("the peer `{}` stands twice", pair[0].0.0)));
            }
        }
        Ok(Rows(rows))
    }
}
