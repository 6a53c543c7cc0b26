//! What two nodes tell each other over TCP: everything they know of the membership, and the cards that the asking one lacks.
//!
//! One request, one answer, both whole and sealed. A request tells which cards its sender has; the answerer learns the cards that it
//! lacks when it asks in its turn.

use foca::Member;
use verwalter_core::ids::NodeId;

use super::MAX_MEMBERS;
use super::card::Card;
use super::codec::{plain, read_member, write_member};
use super::identity::Identity;
use super::wire::{Malformed, Reader, put_u16, put_u32, put_u48};

/// Largest request, in bytes with its seal: all members that a node keeps, with IPv6 addresses.
pub const MAX_REQUEST: usize = 1024 * 1024;
/// Largest answer: the same, and cards. Those that find no room come with the next one.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Age of one that was never heard.
const NEVER: u16 = u16::MAX;
const HAS_CARD: u8 = 4;

/// What one side knows of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) member: Member<Identity>,
    /// How many seconds ago it was heard, by anybody.
    pub(crate) age: Option<u16>,
    /// The edition of the card that the sender has.
    pub(crate) card: Option<(u64, u32)>,
}

/// What one side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) me: Identity,
    pub(crate) incarnation: u16,
    pub(crate) card: Card,
    /// At most [`MAX_MEMBERS`].
    pub(crate) members: Vec<Known>,
    /// Only in an answer.
    pub(crate) cards: Vec<Card>,
}

impl Words {
    /// At most `limit` bytes; cards beyond are left out.
    pub(crate) fn write(&self, limit: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.me.write(0, &mut out);
        put_u16(&mut out, self.incarnation);
        self.card.write(&mut out);
        let members = &self.members[..self.members.len().min(MAX_MEMBERS)];
        put_u16(&mut out, u16::try_from(members.len()).unwrap_or(u16::MAX));
        for known in members {
            write_member(&known.member, if known.card.is_some() { HAS_CARD } else { 0 }, &mut out);
            put_u16(&mut out, known.age.unwrap_or(NEVER));
            if let Some((generation, version)) = known.card {
                put_u48(&mut out, generation);
                put_u32(&mut out, version);
            }
        }
        let tally = out.len();
        put_u16(&mut out, 0);
        let mut count = 0_u16;
        for card in self.cards.iter().take(MAX_MEMBERS) {
            let before = out.len();
            card.write(&mut out);
            if out.len() > limit {
                out.truncate(before);
                break;
            }
            count += 1;
        }
        out[tally..tally + 2].copy_from_slice(&count.to_be_bytes());
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Words, Malformed> {
        let mut reader = Reader::new(bytes);
        let me = plain(&mut reader)?;
        let incarnation = reader.u16()?;
        let card = Card::read(&mut reader)?;
        if card.id != me.id {
            return Err(Malformed::Field("a card of another node than its sender"));
        }
        let members = list(&mut reader, |reader| {
            let (member, flags) = read_member(reader)?;
            let age = Some(reader.u16()?).filter(|&age| age != NEVER);
            let card = match flags {
                0 => None,
                HAS_CARD => Some((reader.u48()?, reader.u32()?)),
                _ => return Err(Malformed::Field("the flags of a member")),
            };
            Ok(Known { member, age, card })
        })?;
        let cards = list(&mut reader, Card::read)?;
        reader.end()?;
        Ok(Words { me, incarnation, card, members, cards })
    }

    /// Which edition of the card of `id` the sender has.
    pub(crate) fn editions(&self) -> impl Iterator<Item = (NodeId, (u64, u32))> {
        self.members.iter().filter_map(|known| Some((known.member.id().id, known.card?)))
    }
}

/// A count and that many pieces; memory grows with what is there, not with what is announced.
fn list<T>(reader: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
    let count = usize::from(reader.u16()?);
    if count > MAX_MEMBERS {
        return Err(Malformed::Full);
    }
    let mut pieces = Vec::new();
    for _ in 0..count {
        pieces.push(read(reader)?);
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests;
