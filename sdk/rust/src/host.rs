//! What a plugin's host offers beside the document. It never says how: the macros connect it to the imports, tests use a [`Stub`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use crate::log::Level;

/// The imports of a plugin. All lists have one value a peer, in ascending order of hostname.
pub trait Host: Sync {
    /// The peers' hostnames; empty where the host does not offer columns.
    fn hostnames(&self) -> Labels;
    /// `id`, `name`, `addr` or a machine fact by its dotted path; "" where absent.
    fn attribute(&self, name: &str) -> Labels;
    /// The values of a column, NaN where there is no sample.
    fn column(&self, name: &str) -> Option<Vec<f64>>;
    /// Writes one line for people.
    fn log(&self, level: Level, text: &str);
}

/// A list of texts, as the ABIs deliver them.
#[derive(Clone, Default)]
pub struct Labels(Form);

#[derive(Clone)]
enum Form {
    Each(Vec<String>),
    /// Never freed.
    Leaked(&'static [String]),
    /// `bounds[i]..bounds[i + 1]` of the text is label `i`.
    Packed {
        text: String,
        bounds: Vec<u32>,
    },
}

impl Default for Form {
    fn default() -> Form {
        Form::Each(Vec::new())
    }
}

impl Labels {
    /// Reads the core ABI's form: for each label its length (u32, little-endian) and its bytes, back to back.
    pub fn unpack(packed: &[u8]) -> Result<Labels, LabelsError> {
        let mut text = String::with_capacity(packed.len());
        let mut bounds = vec![0];
        let mut rest = packed;
        while !rest.is_empty() {
            let (len, after) = rest.split_first_chunk::<4>().ok_or(LabelsError)?;
            let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| LabelsError)?;
            let (label, after) = after.split_at_checked(len).ok_or(LabelsError)?;
            text.push_str(std::str::from_utf8(label).map_err(|_| LabelsError)?);
            bounds.push(u32::try_from(text.len()).map_err(|_| LabelsError)?);
            rest = after;
        }
        Ok(Labels(Form::Packed { text, bounds }))
    }

    /// Keeps `labels` for ever: an instance serves one decision, and to free ten thousand texts at its end is work for nothing.
    pub fn leak(labels: Vec<String>) -> Labels {
        Labels(Form::Leaked(labels.leak()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Each(labels) => labels.len(),
            Form::Leaked(labels) => labels.len(),
            Form::Packed { bounds, .. } => bounds.len() - 1,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Label `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        match &self.0 {
            Form::Each(labels) => labels.get(index).map(String::as_str),
            Form::Leaked(labels) => labels.get(index).map(String::as_str),
            Form::Packed { text, bounds } => text.get(*bounds.get(index)? as usize..*bounds.get(index + 1)? as usize),
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl From<Vec<String>> for Labels {
    fn from(labels: Vec<String>) -> Labels {
        Labels(Form::Each(labels))
    }
}

impl FromIterator<String> for Labels {
    fn from_iter<I: IntoIterator<Item = String>>(labels: I) -> Labels {
        Labels(Form::Each(labels.into_iter().collect()))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A packed list that ends in the middle of a label, or holds something that is no UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a packed list of texts is cut short or no UTF-8")]
pub struct LabelsError;

/// A host for tests: columns and attributes that the test gives it, and what was logged. Without peers it stands for a host
/// that has no columns, so that everything comes from the document.
#[derive(Debug, Default)]
pub struct Stub {
    hostnames: Vec<String>,
    attributes: BTreeMap<String, Vec<String>>,
    columns: BTreeMap<String, Vec<f64>>,
    lines: Mutex<Vec<(Level, String)>>,
}

impl Stub {
    /// A host with these peers, which are put in order.
    pub fn new<'a>(hostnames: impl IntoIterator<Item = &'a str>) -> Stub {
        let mut hostnames: Vec<String> = hostnames.into_iter().map(str::to_owned).collect();
        hostnames.sort_unstable();
        Stub { hostnames, ..Stub::default() }
    }

    /// Adds a column: one value a peer in ascending order of hostname.
    pub fn with_column(mut self, name: &str, values: &[f64]) -> Stub {
        self.columns.insert(name.to_owned(), values.to_vec());
        self
    }

    /// Adds an attribute: one text a peer in ascending order of hostname.
    pub fn with_attribute(mut self, name: &str, values: &[&str]) -> Stub {
        self.attributes.insert(name.to_owned(), values.iter().map(|text| (*text).to_owned()).collect());
        self
    }

    /// What was logged so far.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }
}

impl Host for Stub {
    fn hostnames(&self) -> Labels {
        self.hostnames.clone().into()
    }

    fn attribute(&self, name: &str) -> Labels {
        match self.attributes.get(name) {
            Some(values) => values.clone().into(),
            None => vec![String::new(); self.hostnames.len()].into(),
        }
    }

    fn column(&self, name: &str) -> Option<Vec<f64>> {
        self.columns.get(name).cloned()
    }

    fn log(&self, level: Level, text: &str) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.push((level, text.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packed: &[u8], expect: Result<&[&str], LabelsError>) {
        let labels = Labels::unpack(packed);
        let got: Result<Vec<&str>, LabelsError> = labels.as_ref().map(|labels| labels.iter().collect()).map_err(Clone::clone);
        assert_eq!(got, expect.map(<[&str]>::to_vec), "{packed:?}");
    }

    #[test]
    fn packed_lists() {
        check(b"", Ok(&[]));
        check(b"\x01\0\0\0a\0\0\0\0\x02\0\0\0\xc3\xa4", Ok(&["a", "", "ä"]));
        check(b"\x01\0\0", Err(LabelsError));
        check(b"\x02\0\0\0a", Err(LabelsError));
        check(b"\xff\xff\xff\xffa", Err(LabelsError));
        check(b"\x01\0\0\0\xc3", Err(LabelsError));
    }

    #[test]
    fn labels_past_the_end_are_absent() {
        for labels in
            [Labels::from(vec!["a".to_owned()]), Labels::leak(vec!["a".to_owned()]), Labels::unpack(b"\x01\0\0\0a").expect("well formed")]
        {
            assert_eq!((labels.get(0), labels.get(1), labels.get(usize::MAX - 1)), (Some("a"), None, None));
        }
    }
}
