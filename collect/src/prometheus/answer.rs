//! Reading what a Prometheus server answers to a query: JSON, strictly bounded. It evaluates nothing.
//!
//! Values are texts there (`"NaN"`, `"+Inf"`), moments are seconds with a fraction. Native histograms have no place here: a series that
//! has nothing else is a series without samples.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use verwalter_core::ids::UnixMillis;

/// Most warnings that are kept of one answer.
const MAX_WARNINGS: usize = 4;
/// Longest text of the server's that is passed on, in characters: its parse errors repeat the query.
const MAX_WORDS: usize = 300;
/// Longest name of a metric that is passed on, in bytes.
const MAX_NAME_BYTES: usize = 120;

/// What tells one series from another, as the server names it: the metric's name is `__name__`.
pub type Labels = BTreeMap<String, String>;

/// One series with what was asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells it from others.
    pub labels: Labels,
    /// Its samples, oldest first; NaN and infinities as they were measured.
    pub samples: Vec<(UnixMillis, f64)>,
}

/// A query's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// In the server's order. A scalar is one series without labels.
    pub series: Vec<Series>,
    /// What the server remarks, shortened, the first few.
    pub warnings: Vec<String>,
    /// How long the answer was.
    pub bytes: usize,
}

/// How much one answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most series.
    pub series: usize,
    /// Most samples, of all series together.
    pub samples: usize,
    /// Most labels, of all series together: short ones take twenty times their bytes in memory.
    pub labels: usize,
}

/// Why an answer gives no figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The server says so: its kind of error, and its words.
    Refused { kind: String, words: String },
    /// It is not what a Prometheus server answers, or goes beyond the bounds.
    Unread(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "errorType")]
    error_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "resultType")]
    result_type: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

impl Answer {
    /// Reads the body of an answer.
    pub(super) fn read(body: &[u8], bounds: Bounds) -> Result<Answer, Unusable> {
        let (data, warnings) = open(body)?;
        let data: Data<'_> = serde_json::from_str(data.get()).map_err(unread)?;
        let series = match &*data.result_type {
            "matrix" | "vector" => {
                let mut result = serde_json::Deserializer::from_str(data.result.get());
                let mut left = bounds;
                SeriesList { bounds, left: &mut left }.deserialize(&mut result).map_err(unread)?
            }
            "scalar" => {
                let Moment(at, value) = serde_json::from_str(data.result.get()).map_err(unread)?;
                vec![Series { labels: Labels::new(), samples: vec![(at, value)] }]
            }
            other => return Err(Unusable::Unread(format!("a result of the type `{}`", shortened(other)))),
        };
        Ok(Answer { series, warnings, bytes: body.len() })
    }
}

/// The names of metrics and what their numbers mean (`counter`, `gauge`, …), of an answer of `/api/v1/metadata`; at most `most` names.
pub(super) fn read_kinds(body: &[u8], most: usize) -> Result<BTreeMap<String, String>, Unusable> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "type")]
        kind: String,
    }
    let (data, _) = open(body)?;
    let names: BTreeMap<String, Vec<Entry>> = serde_json::from_str(data.get()).map_err(unread)?;
    let kinds = names.into_iter().filter_map(|(name, entries)| Some((name, entries.into_iter().next()?.kind)));
    Ok(kinds.take(most).collect())
}

/// The names of an answer of `/api/v1/label/__name__/values`, at most `most`. Those that have no place in a line of text are left out.
pub(super) fn read_names(body: &[u8], most: usize) -> Result<Vec<String>, Unusable> {
    let (data, _) = open(body)?;
    let names: Vec<String> = serde_json::from_str(data.get()).map_err(unread)?;
    let fits = |name: &String| name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
    Ok(names.into_iter().filter(fits).take(most).collect())
}

/// The words of an answer that has an error's status, as far as there are any.
pub(super) fn refusal(body: &[u8]) -> Option<(String, String)> {
    match open(body) {
        Err(Unusable::Refused { kind, words }) => Some((kind, words)),
        _ => None,
    }
}

fn open(body: &[u8]) -> Result<(&RawValue, Vec<String>), Unusable> {
    let text = std::str::from_utf8(body).map_err(|_| Unusable::Unread("it is not UTF-8".to_owned()))?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(unread)?;
    if envelope.status != "success" {
        let kind = shortened(envelope.error_type.as_deref().unwrap_or("unknown"));
        return Err(Unusable::Refused { kind, words: shortened(envelope.error.as_deref().unwrap_or("it does not say why")) });
    }
    let warnings = envelope.warnings.unwrap_or_default().iter().take(MAX_WARNINGS).map(|text| shortened(text)).collect();
    let data = envelope.data.ok_or_else(|| Unusable::Unread("it has no `data`".to_owned()))?;
    Ok((data, warnings))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unread(error: serde_json::Error) -> Unusable {
    Unusable::Unread(shortened(&error.to_string()))
}

/// `text` on one line, at most [`MAX_WORDS`] characters of it.
pub(super) fn shortened(text: &str) -> String {
    let mut words: String = text.chars().take(MAX_WORDS).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(MAX_WORDS).is_some() {
        words.push('…');
    }
    words
}

/// One sample: `[1700000000.123, "4.5"]`.
struct Moment(UnixMillis, f64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let (seconds, Number(value)) = Deserialize::deserialize(deserializer)?;
        let at = millis(seconds).ok_or_else(|| de::Error::custom(format_args!("a moment of {seconds} seconds")))?;
        Ok(Moment(at, value))
    }
}

/// A number that is written as a text; it is read where it stands, since most of an answer is these.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom(format_args!("`{}` is no number", shortened(text))))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The moment `seconds` after 1970; `None` before it and after the year 10000.
fn millis(seconds: f64) -> Option<UnixMillis> {
    const YEAR_10000: f64 = 253_402_300_800.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its range was looked at")]
    (0.0..YEAR_10000).contains(&seconds).then(|| UnixMillis((seconds * 1_000.0).round() as u64))
}

/// The list of series; `left` counts down the samples and labels.
struct SeriesList<'a> {
    bounds: Bounds,
    left: &'a mut Bounds,
}

impl<'de> DeserializeSeed<'de> for SeriesList<'_> {
    type Value = Vec<Series>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Series>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SeriesList<'_> {
    type Value = Vec<Series>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Series>, A::Error> {
        let mut all = Vec::new();
        while let Some(series) = seq.next_element_seed(OneSeries { bounds: self.bounds, left: self.left })? {
            if all.len() == self.bounds.series {
                return Err(de::Error::custom(format_args!("more than {} series", self.bounds.series)));
            }
            all.push(series);
        }
        Ok(all)
    }
}

struct OneSeries<'a> {
    bounds: Bounds,
    left: &'a mut Bounds,
}

impl<'de> DeserializeSeed<'de> for OneSeries<'_> {
    type Value = Series;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Series, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneSeries<'_> {
    type Value = Series;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Series, A::Error> {
        let mut series = Series { labels: Labels::new(), samples: Vec::new() };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "metric" => series.labels = map.next_value_seed(Names { bounds: self.bounds, left: self.left })?,
                "value" => {
                    let Moment(at, value) = map.next_value()?;
                    series.samples = vec![(at, value)];
                    self.left.samples = self.left.samples.checked_sub(1).ok_or_else(|| too_many(self.bounds))?;
                }
                "values" => series.samples = map.next_value_seed(Samples { bounds: self.bounds, left: self.left })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(series)
    }
}

fn too_many<E: de::Error>(bounds: Bounds) -> E {
    E::custom(format_args!("more than {} samples", bounds.samples))
}

/// The labels of one series.
struct Names<'a> {
    bounds: Bounds,
    left: &'a mut Bounds,
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = Labels;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Labels, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = Labels;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let too_many = || de::Error::custom(format_args!("more than {} labels", self.bounds.labels));
        let mut labels = Labels::new();
        while let Some((name, value)) = map.next_entry()? {
            self.left.labels = self.left.labels.checked_sub(1).ok_or_else(too_many)?;
            labels.insert(name, value);
        }
        Ok(labels)
    }
}

struct Samples<'a> {
    bounds: Bounds,
    left: &'a mut Bounds,
}

impl<'de> DeserializeSeed<'de> for Samples<'_> {
    type Value = Vec<(UnixMillis, f64)>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_> {
    type Value = Vec<(UnixMillis, f64)>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut samples = Vec::new();
        while let Some(Moment(at, value)) = seq.next_element()? {
            self.left.samples = self.left.samples.checked_sub(1).ok_or_else(|| too_many(self.bounds))?;
            samples.push((at, value));
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests;
