//! One role on one peer: instances, variables, and why it stands there.

use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use super::RoleParts;
use crate::error::Error;
use crate::input::Input;
use crate::json::{self, bytes};
use crate::order;

/// A piece of the role's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// What was placed.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    peer: u32,
    instances: NonZeroU32,
    vars: Span,
    why: Span,
}

impl Placement {
    pub(super) fn has_why(&self) -> bool {
        !self.why.is_empty()
    }
}

/// A placement that is being made. Dropping it keeps it.
#[derive(Debug)]
pub struct Place<'r> {
    placement: usize,
    parts: &'r mut RoleParts,
    /// The variables' names so far: rarely more than a few.
    keys: Vec<String>,
}

impl<'r> Place<'r> {
    pub(super) fn new(peer: u32, instances: NonZeroU32, parts: &'r mut RoleParts) -> Place<'r> {
        parts.placements.push(Placement { peer, instances, vars: Span::default(), why: Span::default() });
        Place { placement: parts.placements.len() - 1, parts, keys: Vec::new() }
    }

    /// Sets a variable of this role on this node: the most specific level. `instances` is set already.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<&mut Self, Error> {
        if key == "instances" {
            return Err(Error::Reserved(key.to_owned()));
        }
        if self.keys.iter().any(|known| known == key) {
            return Err(Error::Twice(key.to_owned()));
        }
        let RoleParts { placements, text, .. } = &mut *self.parts;
        let vars = &mut placements[self.placement].vars;
        if vars.end != text.len() {
            // A reason was written since: the variables go on behind it.
            let so_far = vars.of(text).to_owned();
            *vars = Span { start: text.len(), end: text.len() };
            text.push_str(&so_far);
        }
        text.push(',');
        json::write_str(key, text);
        text.push(':');
        json::write(value, text).map_err(|source| Error::Value { key: key.to_owned(), source })?;
        vars.end = text.len();
        self.keys.push(key.to_owned());
        Ok(self)
    }

    /// Says why it stands here: a short text for people, outside the schedule's digest.
    pub fn why(&mut self, text: &str) -> &mut Self {
        self.why_with(|out| out.push_str(text))
    }

    /// Like [`why`](Self::why), from `format_args!`.
    pub fn why_fmt(&mut self, text: fmt::Arguments<'_>) -> &mut Self {
        self.why_with(|out| {
            // Writing to a text does not fail; a value whose own formatting does leaves what it wrote.
            let _ = fmt::write(out, text);
        })
    }

    /// Like [`why`](Self::why), appended by `write`: for loops over thousands of placements.
    pub fn why_with(&mut self, write: impl FnOnce(&mut String)) -> &mut Self {
        let start = self.parts.text.len();
        write(&mut self.parts.text);
        let end = self.parts.text.len().max(start);
        self.parts.placements[self.placement].why = Span { start, end };
        self
    }
}

/// Appends `{hostname: instances or variables}`, by hostname.
pub(super) fn write_placements(placements: &[Placement], text: &str, input: &Input<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    each_in_order(placements, |first, placement| {
        begin(first, hostname(placement, input), out);
        if placement.vars.is_empty() {
            bytes::write_integer(placement.instances.get().into(), out);
        } else {
            out.extend_from_slice(b"{\"instances\":");
            bytes::write_integer(placement.instances.get().into(), out);
            out.extend_from_slice(placement.vars.of(text).as_bytes());
            out.push(b'}');
        }
    });
    out.push(b'}');
}

/// Appends `{hostname: reason}`, by hostname, where there is one.
pub(super) fn write_reasons(placements: &[Placement], text: &str, input: &Input<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    each_in_order(placements, |_, placement| {
        if placement.has_why() {
            begin(std::mem::take(&mut first), hostname(placement, input), out);
            bytes::write_str(placement.why.of(text), out);
        }
    });
    out.push(b'}');
}

/// Hostnames (RFC 1123) hold nothing that JSON escapes.
fn begin(first: bool, hostname: &str, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
    out.push(b'"');
    bytes::push_short(hostname.as_bytes(), out);
    out.extend_from_slice(b"\":");
}

fn hostname<'i>(placement: &Placement, input: &'i Input<'_>) -> &'i str {
    input.hostname(placement.peer as usize).expect("checked when it was placed")
}

/// Calls `each` by peer, with the last placement of each.
fn each_in_order(placements: &[Placement], mut each: impl FnMut(bool, &Placement)) {
    if placements.is_sorted_by(|a, b| a.peer < b.peer) {
        placements.iter().enumerate().for_each(|(index, placement)| each(index == 0, placement));
        return;
    }
    let order = order::positions(placements.len(), &|a, b| placements[a].peer.cmp(&placements[b].peer));
    let mut first = true;
    for (index, placement) in order.iter().map(|at| &placements[*at]).enumerate() {
        // Of several the last one stands, and equal ones are in order of position.
        if order.get(index + 1).is_none_or(|next| placements[*next].peer != placement.peer) {
            each(std::mem::take(&mut first), placement);
        }
    }
}
