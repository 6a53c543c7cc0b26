//! What a node says of itself to all others: its names and where its API listens. Facts about the machine do not travel here.

use std::net::SocketAddr;

use verwalter_core::ids::NodeId;
use verwalter_core::names::Hostname;

use super::wire::{Malformed, Reader, put_addr, put_id, put_text, put_u32, put_u48};

/// Longest full name, in bytes.
pub const MAX_NAME: usize = 255;

const LEFT: u8 = 1;
const API: u8 = 2;
const API_V6: u8 = 4;

/// A node's own words. At most 561 bytes on the wire, so that one always finds room in a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Whose.
    pub id: NodeId,
    /// In which of its lives, see [`Identity`](super::Identity).
    pub generation: u64,
    /// Grows with every change within a life.
    pub version: u32,
    /// Whether it said that it goes.
    pub left: bool,
    /// When its program started, in milliseconds since 1970 by its own clock.
    pub started: u64,
    /// Its key in the schedule.
    pub hostname: Hostname,
    /// Its full name, for people and links; at most [`MAX_NAME`] bytes, no control characters.
    pub name: String,
    /// Where its API listens; an unspecified address stands for the one where its agent answers.
    pub api: Option<SocketAddr>,
}

impl Card {
    /// What the newer of two cards of one node has more of.
    pub(crate) fn edition(&self) -> (u64, u32) {
        (self.generation, self.version)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let api = self.api.map_or(0, |addr| if addr.is_ipv6() { API | API_V6 } else { API });
        out.push(api | if self.left { LEFT } else { 0 });
        put_id(out, self.id);
        put_u48(out, self.generation);
        put_u32(out, self.version);
        put_u48(out, self.started);
        put_text(out, self.hostname.as_str());
        put_text(out, &self.name);
        if let Some(addr) = self.api {
            put_addr(out, addr);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Card, Malformed> {
        let flags = reader.u8()?;
        if flags > (LEFT | API | API_V6) {
            return Err(Malformed::Field("the flags of a card"));
        }
        let (id, generation, version, started) = (reader.id()?, reader.u48()?, reader.u32()?, reader.u48()?);
        let hostname = Hostname::new(reader.text()?).map_err(|_| Malformed::Field("a hostname"))?;
        let name = reader.text()?;
        if name.chars().any(char::is_control) {
            return Err(Malformed::Field("a name with control characters"));
        }
        let api = if flags & API == 0 { None } else { Some(reader.addr(flags & API_V6 != 0)?) };
        Ok(Card { id, generation, version, left: flags & LEFT != 0, started, hostname, name: name.to_owned(), api })
    }
}
