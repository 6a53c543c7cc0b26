//! What a scheduler is told, behind one API for both input modes: peers and columns come from the document where it has them,
//! else from the host's columns. Nothing is read before it is asked for.

pub(crate) mod document;
mod peer;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::host::{Host, Labels};
use crate::text::part;
use crate::view::ScheduleView;
use document::{Document, Rows};

pub use peer::Peer;

/// The host's columns with this prefix hold how many instances of a role each peer has in the schedule in force.
const PLACED_PREFIX: &str = "placed.";

/// One decision's input.
pub struct Input<'a> {
    document: Document<'a>,
    peers: Peers<'a>,
    parents: OnceCell<Vec<ScheduleView<'a>>>,
    attributes: RefCell<BTreeMap<String, Rc<Labels>>>,
    host: &'a dyn Host,
}

enum Peers<'a> {
    /// From the document, by hostname.
    Rows(Rows<'a>),
    /// From the host, on demand: a decision may do without names.
    Host(OnceCell<Labels>),
}

impl<'a> Input<'a> {
    /// Reads the document. Its parts are read when they are asked for.
    #[inline]
    pub fn read(text: &'a str, host: &'a dyn Host) -> Result<Input<'a>, Error> {
        Ok(Input::of(Document::read(text)?, host))
    }

    pub(crate) fn of(mut document: Document<'a>, host: &'a dyn Host) -> Input<'a> {
        let peers = document.peers.take().map_or_else(|| Peers::Host(OnceCell::new()), Peers::Rows);
        Input { document, peers, parents: OnceCell::new(), attributes: RefCell::default(), host }
    }

    /// Says which schedules the decision follows, where the document has no `parents`.
    pub(crate) fn follows(self, parents: Vec<ScheduleView<'a>>) -> Input<'a> {
        Input { parents: parents.into(), ..self }
    }

    /// The round's time, in milliseconds since the Unix epoch. The only clock that a plugin has.
    pub fn now_ms(&self) -> u64 {
        self.document.now
    }

    /// The number of this decision within the term, from 1.
    pub fn round(&self) -> u64 {
        self.document.round
    }

    /// The counter of the leadership, from 1.
    pub fn term(&self) -> u64 {
        self.document.term
    }

    /// The leader's hostname.
    pub fn current_host(&self) -> &str {
        &self.document.current_host.0
    }

    /// The leader's id: 32 hexadecimal digits.
    pub fn current_id(&self) -> &str {
        &self.document.current_id.0
    }

    /// The manifest's `config` as the author's own type; `{}` when there is none.
    pub fn config<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("config", self.document.config)
    }

    /// The operators' metadata as the author's own type: `runtime/web.yaml` is the key `web`. `{}` when there is none.
    pub fn runtime<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("runtime", self.document.runtime)
    }

    /// The operators' pending actions by id, as the author's own type; `{}` when there is none.
    pub fn actions<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        part("actions", self.document.actions)
    }

    /// How many peers there are, the own node included.
    pub fn len(&self) -> usize {
        match &self.peers {
            Peers::Rows(rows) => rows.0.len(),
            Peers::Host(_) => self.host_names().len(),
        }
    }

    /// Whether there is no peer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hostname of peer `index`.
    pub fn hostname(&self, index: usize) -> Option<&str> {
        match &self.peers {
            Peers::Rows(rows) => rows.0.get(index).map(|(hostname, _)| &*hostname.0),
            Peers::Host(_) => self.host_names().get(index),
        }
    }

    /// All hostnames in ascending order of bytes: the order of every column.
    pub fn hostnames(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.hostname(index))
    }

    /// The position of the peer called `hostname`. O(log n).
    pub fn position(&self, hostname: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.hostname(middle)?.cmp(hostname) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// Peer `index`.
    pub fn peer(&self, index: usize) -> Option<Peer<'_, 'a>> {
        Some(Peer::new(self, index, self.hostname(index)?))
    }

    /// All peers, by hostname.
    pub fn peers(&self) -> impl Iterator<Item = Peer<'_, 'a>> {
        (0..self.len()).filter_map(|index| self.peer(index))
    }

    /// `hostname`, `id`, `name`, `addr`, or a machine fact by its dotted path (`rack`, `disk.ssd`), one text a peer; "" where a
    /// peer has none. Read once, then kept.
    #[inline]
    pub fn attribute(&self, name: &str) -> Result<Rc<Labels>, Error> {
        if let Some(known) = self.attributes.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let labels = match &self.peers {
            Peers::Host(_) => self.host.attribute(name),
            Peers::Rows(rows) => {
                rows.0.iter().map(|(hostname, row)| peer::attribute(&hostname.0, row, name)).collect::<Result<Labels, _>>()?
            }
        };
        if labels.len() != self.len() {
            return Err(Error::ColumnLength { name: name.to_owned(), values: labels.len(), peers: self.len() });
        }
        let labels = Rc::new(labels);
        self.attributes.borrow_mut().insert(name.to_owned(), Rc::clone(&labels));
        Ok(labels)
    }

    /// The column that the manifest's `metrics` declare as `name`: one number a peer, NaN where there is no sample.
    #[inline]
    pub fn column(&self, name: &str) -> Result<Option<Vec<f64>>, Error> {
        let values = match &self.peers {
            Peers::Host(_) => self.host.column(name),
            Peers::Rows(_) => self.document.column(name)?,
        };
        match values {
            Some(values) if values.len() != self.len() => {
                Err(Error::ColumnLength { name: name.to_owned(), values: values.len(), peers: self.len() })
            }
            values => Ok(values),
        }
    }

    /// Like [`column`](Self::column), for a column that the plugin cannot do without.
    #[inline]
    pub fn required_column(&self, name: &str) -> Result<Vec<f64>, Error> {
        self.column(name)?.ok_or_else(|| Error::NoColumn(name.to_owned()))
    }

    /// How many instances of `role` each peer has in the schedule that this decision follows. From several parents (a new leader
    /// inherits them) the greatest number counts, so that nothing moves only because the leader changed.
    #[inline]
    pub fn placed(&self, role: &str) -> Result<Vec<u32>, Error> {
        if matches!(self.peers, Peers::Host(_))
            && let Some(column) = self.column(&format!("{PLACED_PREFIX}{role}"))?
        {
            // A column holds what the host made of whole numbers; `as` saturates.
            return Ok(column.into_iter().map(|instances| instances as u32).collect());
        }
        let mut placed = vec![0; self.len()];
        for parent in self.parents()? {
            let mut walk = self.walk();
            for placement in parent.of_role(role) {
                if let Some(index) = walk.find(placement.hostname()) {
                    placed[index] = placed[index].max(placement.instances()?);
                }
            }
        }
        Ok(placed)
    }

    /// The schedules that this decision follows: none at the very beginning, several when a new leader inherits them.
    #[inline]
    pub fn parents(&self) -> Result<&[ScheduleView<'a>], Error> {
        if let Some(parents) = self.parents.get() {
            return Ok(parents);
        }
        let parents = match self.document.parents {
            Some(raw) => serde_json::from_str(raw.get()).map_err(|source| Error::Part { key: "parents".to_owned(), source })?,
            None => Vec::new(),
        };
        Ok(self.parents.get_or_init(|| parents))
    }

    /// Finds hostnames that are asked for in ascending order in O(1) each, others in O(log n).
    pub fn walk(&self) -> Walk<'_, 'a> {
        Walk { input: self, next: 0 }
    }

    fn host_names(&self) -> &Labels {
        match &self.peers {
            Peers::Host(names) => names.get_or_init(|| self.host.hostnames()),
            Peers::Rows(_) => unreachable!("callers have seen that there are no rows"),
        }
    }

    fn row(&self, index: usize) -> Option<&'a RawValue> {
        match &self.peers {
            Peers::Rows(rows) => rows.0.get(index).map(|(_, row)| *row),
            Peers::Host(_) => None,
        }
    }
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("now_ms", &self.now_ms()).field("round", &self.round()).finish_non_exhaustive()
    }
}

/// Turns hostnames into positions; made for lists that are in order themselves.
#[derive(Debug)]
pub struct Walk<'i, 'a> {
    input: &'i Input<'a>,
    next: usize,
}

impl Walk<'_, '_> {
    /// The position of the peer called `hostname`.
    pub fn find(&mut self, hostname: &str) -> Option<usize> {
        let found = match self.input.hostname(self.next) {
            Some(next) if next == hostname => Some(self.next),
            _ => self.input.position(hostname),
        };
        if let Some(found) = found {
            self.next = found + 1;
        }
        found
    }
}

#[cfg(test)]
mod tests;
