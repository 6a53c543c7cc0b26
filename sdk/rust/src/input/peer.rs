//! One peer of the input.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Input;
use crate::error::Error;
use crate::text::member;

/// A node as the leader sees it.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'i, 'a> {
    input: &'i Input<'a>,
    index: usize,
    hostname: &'i str,
}

impl<'i, 'a> Peer<'i, 'a> {
    pub(super) fn new(input: &'i Input<'a>, index: usize, hostname: &'i str) -> Peer<'i, 'a> {
        Peer { input, index, hostname }
    }

    /// Its position: what columns are indexed by and placements take.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its hostname.
    pub fn hostname(&self) -> &'i str {
        self.hostname
    }

    /// `id`, `name`, `addr`, `since`, `schedule`, `errors`, or a machine fact by its dotted path; "" where it has none. In a loop over all peers
    /// [`Input::attribute`] is cheaper.
    #[inline]
    pub fn attribute(&self, name: &str) -> Result<String, Error> {
        match self.input.row(self.index) {
            Some(row) => attribute(self.hostname, row, name),
            None => Ok(self.input.attribute(name)?.get(self.index).unwrap_or_default().to_owned()),
        }
    }

    /// Its record in the document as the author's own type: `id, hostname, name, addr, known_since, last_report_direct, alive,
    /// since, machine`, and of nodes that say so `roles, schedule, errors`.
    /// `None` with `input: columns`, where the document has no peers.
    pub fn record<T: Deserialize<'a>>(&self) -> Result<Option<T>, Error> {
        let Some(row) = self.input.row(self.index) else { return Ok(None) };
        serde_json::from_str(row.get()).map(Some).map_err(|source| Error::Part { key: format!("peers.{}", self.hostname), source })
    }
}

/// What the host would answer for one peer of a document.
#[inline]
pub(super) fn attribute(hostname: &str, row: &RawValue, name: &str) -> Result<String, Error> {
    if name == "hostname" {
        return Ok(hostname.to_owned());
    }
    find(row, name).map_err(|source| Error::Part { key: format!("peers.{hostname}"), source })
}

#[inline]
fn find(row: &RawValue, name: &str) -> Result<String, serde_json::Error> {
    let path = match name {
        "id" | "name" | "addr" | "since" | "schedule" | "errors" => None,
        _ => Some("machine"),
    };
    let mut value = row;
    for step in path.into_iter().chain(name.split('.')) {
        let Some(inner) = member(value, step)? else { return Ok(String::new()) };
        value = inner;
    }
    match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(value.get()),
        Some(b't' | b'f') => Ok(value.get().to_owned()),
        Some(b'-' | b'0'..=b'9') => Ok(serde_json::from_str::<serde_json::Number>(value.get())?.to_string()),
        _ => Ok(String::new()),
    }
}
