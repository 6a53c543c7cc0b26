//! What an agent answers, as typed values: the data sets of a query, and the list of all metrics.
//!
//! It never keeps more series, samples or text than its bounds say, whatever the bytes say; what it does not know it tells.

use std::collections::BTreeMap;
use std::time::Duration;

use verwalter_core::ids::UnixMillis;

use super::cbor::{CborError, Items, Kind, Reader};
use super::units;
use crate::series::{Labels, MAX_SERIES, SampleKind};

/// Most samples of one answer: 145 series of an hour at one in 2 s. 4 MiB in memory.
pub const MAX_ANSWER_SAMPLES: usize = 1 << 18;
/// Most series of one answer, whichever rules they answer: four rules may each have as many as are kept of a machine.
const MAX_ANSWER_SERIES: usize = 4 * MAX_SERIES;
/// Most bytes of labels of one answer, [`LABEL_BYTES`] included. Each of the most series may have five.
const MAX_ANSWER_LABEL_BYTES: usize = 8 << 20;
/// What a label takes in memory beside its text, roughly: two allocations and its place in a tree.
const LABEL_BYTES: usize = 64;
/// Most series of the list of all metrics. Arbitrary, above eight for each of 8,000 processes.
pub const MAX_LISTED: usize = 1 << 16;
/// Most labels of one series, and most bytes of a label's name or value. Arbitrary, far above the conventional ten and 128.
const MAX_LABELS: usize = 32;
const MAX_LABEL_BYTES: usize = 1_024;
/// Longest text of a state that is kept, in bytes; cantal's protocol lets it be of any size.
const MAX_STATE_BYTES: usize = 256;

/// The samples of one series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sampled {
    pub(super) labels: Labels,
    pub(super) kind: SampleKind,
    /// When, by the peer's wall clock since 1970, and what; newest first, each older than the one before.
    pub(super) samples: Vec<(Duration, f64)>,
}

/// The answer to one rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DataSet {
    /// Series with numbers. States are left out.
    Series(Vec<Sampled>),
    /// No series matched.
    Empty,
    /// It cannot be used: in words.
    Refused(String),
}

/// The answers by the names of the rules.
pub(super) type DataSets = BTreeMap<String, DataSet>;

/// A series as `all_metrics` lists it, in the units of [`units`](super).
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What tells it from others.
    pub labels: Labels,
    /// When its newest value was taken, by the agent's clock. Of a process that ended the last one stays listed.
    pub at: UnixMillis,
    /// Its newest value.
    pub value: ListedValue,
}

/// A newest value, with what it means.
#[derive(Debug, Clone, PartialEq)]
pub enum ListedValue {
    /// Of something that only grows.
    Counter(f64),
    /// Of a level.
    Gauge(f64),
    /// What a process says of itself, and since when.
    State {
        /// Since when; 0: idle.
        since: UnixMillis,
        /// In its own words, at most 256 bytes.
        text: String,
    },
}

/// What an answer may still hold.
struct Budget {
    samples: usize,
    series: usize,
    label_bytes: usize,
}

impl Budget {
    const WHOLE: Budget = Budget { samples: MAX_ANSWER_SAMPLES, series: MAX_ANSWER_SERIES, label_bytes: MAX_ANSWER_LABEL_BYTES };

    /// Why nothing more is read, if that is so.
    fn spent(&self) -> Option<String> {
        match self {
            Budget { samples: 0, .. } => {
                Some(format!("more than {MAX_ANSWER_SAMPLES} samples match: narrow the queries, or shorten their windows"))
            }
            Budget { series: 0, .. } => Some(format!("more than {MAX_ANSWER_SERIES} series match all queries together: narrow them")),
            Budget { label_bytes: 0, .. } => Some("the series that match have too many or too long labels: narrow the queries".to_owned()),
            _ => None,
        }
    }
}

/// Reads the answer of `/query.cbor`: `{"values": {NAME: [tag, …]}}`; `is_asked` knows the names of the rules.
pub(super) fn data_sets(bytes: &[u8], is_asked: impl Fn(&str) -> bool) -> Result<DataSets, CborError> {
    let mut reader = Reader::new(bytes);
    let mut sets = DataSets::new();
    let mut budget = Budget::WHOLE;
    let mut items = reader.map()?;
    while reader.more(&mut items)? {
        if reader.text()? != "values" {
            reader.skip()?;
            continue;
        }
        let mut values = reader.map()?;
        while reader.more(&mut values)? {
            let name = reader.text()?;
            if !is_asked(name) {
                return Err(CborError::new("answers rules that nobody asked"));
            }
            let mut again = reader.fork();
            let set = data_set(&mut reader, &mut budget).or_else(|error| {
                // The other rules' answers may be sound.
                again.skip()?;
                std::mem::swap(&mut reader, &mut again);
                Ok(DataSet::Refused(format!("it answered with what is no data set: {error}")))
            })?;
            sets.insert(name.to_owned(), set);
        }
    }
    reader.end()?;
    Ok(sets)
}

fn data_set(reader: &mut Reader, budget: &mut Budget) -> Result<DataSet, CborError> {
    let mut items = reader.array()?;
    reader.demand(&mut items, "data set tag")?;
    let set = match reader.u64()? {
        100 => single(reader, &mut items, budget, true)?,
        101 => multi(reader, &mut items, budget, true)?,
        200 => single(reader, &mut items, budget, false)?,
        201 => multi(reader, &mut items, budget, false)?,
        300 => DataSet::Refused("it answered with a chart, which holds no numbers of series".to_owned()),
        998 => DataSet::Empty,
        999 => DataSet::Refused(format!("it cannot combine the series: {}", conflict(reader, &mut items)?)),
        tag => DataSet::Refused(format!("it answered with a data set of the unknown kind {tag}: is it newer than cantal 0.6?")),
    };
    reader.skip_rest(&mut items)?;
    Ok(set)
}

fn conflict(reader: &mut Reader, items: &mut Items) -> Result<&'static str, CborError> {
    reader.demand(items, "reason")?;
    let mut reasons = reader.array()?;
    reader.demand(&mut reasons, "reason")?;
    let words = match reader.u64()? {
        100 => "charts have no sum",
        101 => "they are of different types",
        102 => "they have different times",
        103 => "states have no sum",
        104 => "levels have no rate",
        _ => "for a reason that this version does not know",
    };
    reader.skip_rest(&mut reasons)?;
    Ok(words)
}

/// `key, chunk, times` stand in the data set's own array.
fn single(reader: &mut Reader, items: &mut Items, budget: &mut Budget, chunked: bool) -> Result<DataSet, CborError> {
    let series = series(reader, items, budget, chunked)?;
    Ok(finished(series.into_iter().collect(), budget))
}

fn multi(reader: &mut Reader, items: &mut Items, budget: &mut Budget, chunked: bool) -> Result<DataSet, CborError> {
    reader.demand(items, "list of series")?;
    let mut list = reader.array()?;
    let mut found = Vec::new();
    let mut left_out = false;
    while reader.more(&mut list)? {
        if found.len() >= MAX_SERIES || budget.spent().is_some() {
            left_out = true;
            reader.skip()?;
            continue;
        }
        let mut again = reader.fork();
        match listed_series(reader, budget, chunked) {
            Ok(series) => found.extend(series),
            // An odd one, of an application that is free to publish what it likes, must not cost all others.
            Err(_) => {
                again.skip()?;
                std::mem::swap(reader, &mut again);
            }
        }
    }
    if left_out && budget.spent().is_none() {
        return Ok(DataSet::Refused(format!("more than {MAX_SERIES} series match: narrow the query")));
    }
    Ok(finished(found, budget))
}

/// A sum over half of the series would be a wrong number, so none is given.
fn finished(found: Vec<Sampled>, budget: &Budget) -> DataSet {
    budget.spent().map_or(DataSet::Series(found), DataSet::Refused)
}

/// `[key, chunk, times]`.
fn listed_series(reader: &mut Reader, budget: &mut Budget, chunked: bool) -> Result<Option<Sampled>, CborError> {
    let mut parts = reader.array()?;
    let found = series(reader, &mut parts, budget, chunked)?;
    reader.skip_rest(&mut parts)?;
    Ok(found)
}

/// One series; `None` for states, and for keys that hold no labels.
fn series(reader: &mut Reader, parts: &mut Items, budget: &mut Budget, chunked: bool) -> Result<Option<Sampled>, CborError> {
    budget.series = budget.series.saturating_sub(1);
    reader.demand(parts, "key")?;
    let labels = labels(reader, &mut budget.label_bytes)?;
    reader.demand(parts, "values")?;
    let mut values = Vec::new();
    let mut typed = reader.array()?;
    reader.demand(&mut typed, "type of value")?;
    let kind = match reader.u64()? {
        1 => Some(SampleKind::Counter),
        2 | 3 => Some(SampleKind::Gauge),
        // States say no number; unknown kinds cannot be read as one.
        _ => None,
    };
    if kind.is_some() {
        reader.demand(&mut typed, "values")?;
        values = if chunked { chunk(reader, budget)? } else { vec![value(reader)?] };
    }
    reader.skip_rest(&mut typed)?;
    reader.demand(parts, "times")?;
    let samples = timed(reader, values)?;
    Ok(match (labels, kind) {
        (Some(labels), Some(kind)) => Some(Sampled { labels, kind, samples }),
        _ => None,
    })
}

fn chunk(reader: &mut Reader, budget: &mut Budget) -> Result<Vec<Option<f64>>, CborError> {
    let mut values = Vec::new();
    let mut items = reader.array()?;
    while reader.more(&mut items)? {
        if budget.samples == 0 {
            reader.skip()?;
            continue;
        }
        budget.samples -= 1;
        values.push(value(reader)?);
    }
    Ok(values)
}

fn value(reader: &mut Reader) -> Result<Option<f64>, CborError> {
    if reader.kind()? == Kind::Null {
        reader.skip()?;
        return Ok(None);
    }
    reader.f64().map(|number| Some(number).filter(|number| number.is_finite()))
}

/// Puts times to values, newest first. A time that is not before the one ahead of it stands for a clock that was set back: its sample, and
/// what has no time or no value, are left out.
fn timed(reader: &mut Reader, values: Vec<Option<f64>>) -> Result<Vec<(Duration, f64)>, CborError> {
    let mut samples: Vec<(Duration, f64)> = Vec::with_capacity(values.len());
    let mut values = values.into_iter();
    let mut items = reader.array()?;
    while reader.more(&mut items)? {
        let at = Duration::from_millis(reader.u64()?);
        let Some(Some(value)) = values.next() else { continue };
        if samples.last().is_none_or(|(newer, _)| at < *newer) {
            samples.push((at, value));
        }
    }
    Ok(samples)
}

/// A key: a byte string that holds a CBOR map of texts, or nothing. `None`: a byte string without such a map, or with too large a one.
fn labels(reader: &mut Reader, left: &mut usize) -> Result<Option<Labels>, CborError> {
    let inner = match reader.kind()? {
        Kind::Bytes => reader.bytes()?,
        // Sums have no key of their own.
        Kind::Null => {
            reader.skip()?;
            return Ok(Some(Labels::new()));
        }
        Kind::Text if reader.text()?.is_empty() => return Ok(Some(Labels::new())),
        _ => return Err(CborError::new("a key is neither a byte string nor empty")),
    };
    if inner.is_empty() {
        return Ok(Some(Labels::new()));
    }
    Ok(labels_within(inner, left).ok().flatten())
}

fn labels_within(bytes: &[u8], left: &mut usize) -> Result<Option<Labels>, CborError> {
    let mut reader = Reader::new(bytes);
    let mut labels = Labels::new();
    let mut items = reader.map()?;
    while reader.more(&mut items)? {
        let (key, value) = (reader.text()?, reader.text()?);
        if labels.len() >= MAX_LABELS || key.len() > MAX_LABEL_BYTES || value.len() > MAX_LABEL_BYTES {
            return Ok(None);
        }
        *left = left.saturating_sub(LABEL_BYTES + key.len() + value.len());
        labels.insert(key.to_owned(), value.to_owned());
    }
    reader.end()?;
    Ok(Some(labels))
}

/// Reads the answer of `/all_metrics.cbor`: `{"metrics": [[key, time, value], …]}`. Ordered by labels; the units are those of [`units`].
pub(super) fn listing(bytes: &[u8]) -> Result<Vec<Listed>, CborError> {
    let mut reader = Reader::new(bytes);
    let mut listed = Vec::new();
    let mut items = reader.map()?;
    while reader.more(&mut items)? {
        if reader.text()? != "metrics" {
            reader.skip()?;
            continue;
        }
        let mut metrics = reader.array()?;
        while reader.more(&mut metrics)? {
            if listed.len() >= MAX_LISTED {
                return Err(CborError::new(format!("lists more than {MAX_LISTED} series")));
            }
            let mut parts = reader.array()?;
            listed.extend(entry(&mut reader, &mut parts)?);
            reader.skip_rest(&mut parts)?;
        }
    }
    reader.end()?;
    listed.sort_by(|a: &Listed, b| a.labels.cmp(&b.labels));
    Ok(listed)
}

fn entry(reader: &mut Reader, parts: &mut Items) -> Result<Option<Listed>, CborError> {
    reader.demand(parts, "key")?;
    // Operators list them by hand: the bytes of the answer are bound enough.
    let labels = labels(reader, &mut { usize::MAX })?;
    reader.demand(parts, "time")?;
    let at = UnixMillis(reader.u64()?);
    reader.demand(parts, "value")?;
    let mut typed = reader.array()?;
    reader.demand(&mut typed, "type of value")?;
    let kind = reader.u64()?;
    let value = match kind {
        0 => {
            reader.demand(&mut typed, "state")?;
            Some(state(reader)?)
        }
        1..=3 => {
            reader.demand(&mut typed, "value")?;
            let number = value(reader)?;
            number.map(if kind == 1 { ListedValue::Counter } else { ListedValue::Gauge })
        }
        _ => None,
    };
    reader.skip_rest(&mut typed)?;
    Ok(labels.zip(value).map(|(labels, value)| units::listed(Listed { labels, at, value })))
}

fn state(reader: &mut Reader) -> Result<ListedValue, CborError> {
    let mut parts = reader.array()?;
    reader.demand(&mut parts, "time of a state")?;
    let since = UnixMillis(reader.u64()?);
    reader.demand(&mut parts, "text of a state")?;
    let text = reader.text()?;
    let end = text.floor_char_boundary(MAX_STATE_BYTES);
    reader.skip_rest(&mut parts)?;
    Ok(ListedValue::State { since, text: text[..end].to_owned() })
}

#[cfg(test)]
mod tests;
