//! What members say to each other about figures, as bytes. Every message names its sender. Never reads past a packet.

use verwalter_core::digest::Digest;

use crate::agent::codec::plain;
use crate::agent::identity::Identity;
use crate::agent::wire::{Malformed, Reader, put_u16, put_u32, put_u48};

/// The wish to be told the rows of a set of queries, or no more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Grows with every wish of one life of the asker, so that an old one changes nothing; 48 bits count.
    pub(crate) turn: u64,
    /// How often, in milliseconds.
    pub(crate) interval_ms: u32,
    /// For how long, in seconds; 0 ends it.
    pub(crate) ttl_s: u16,
    /// The set.
    pub(crate) digest: Digest,
}

/// Which row a part belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) digest: Digest,
    /// Grows with every row of one life of the teller.
    pub(crate) seq: u32,
    /// How old the newest sample was when the row was made, in milliseconds.
    pub(crate) age_ms: u32,
    /// Names what the teller knows of its machine; 0: nothing that it can tell.
    pub(crate) facts: u64,
    /// How many parts there are, at least 1.
    pub(crate) parts: u8,
}

/// What is told over UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// A part of a row.
    Part { head: Head, part: u8, bytes: &'a [u8] },
    /// The teller does not know this set: it wants the rules.
    Unknown(Digest),
    /// The teller tells others already, or has other sets, as many as it may.
    Full(Digest),
}

/// What is asked over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    /// Here are the rules of a set, as JSON.
    Rules { digest: Digest, json: &'a [u8] },
    /// What does your machine say of itself?
    Facts,
}

/// The answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    /// The rules are in use now.
    Adopted,
    /// They are not, or there are no facts.
    Refused(&'a str),
    /// The facts as a JSON object, and what names them in rows.
    Facts { version: u64, json: &'a [u8] },
}

/// Bytes of a part of a row before its own, with an IPv6 address.
pub(crate) const PART_HEADER: usize = 41 + 1 + 32 + 4 + 4 + 8 + 2;

impl Ask {
    pub(crate) fn write(&self, sender: &Identity) -> Vec<u8> {
        let mut out = Vec::new();
        sender.write(0, &mut out);
        put_u48(&mut out, self.turn);
        put_u32(&mut out, self.interval_ms);
        put_u16(&mut out, self.ttl_s);
        out.extend_from_slice(&self.digest.to_bytes());
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<(Identity, Ask), Malformed> {
        let mut reader = Reader::new(bytes);
        let sender = plain(&mut reader)?;
        let ask = Ask { turn: reader.u48()?, interval_ms: reader.u32()?, ttl_s: reader.u16()?, digest: reader.digest()? };
        reader.end()?;
        Ok((sender, ask))
    }
}

impl<'a> Told<'a> {
    pub(crate) fn write(&self, sender: &Identity) -> Vec<u8> {
        let mut out = Vec::new();
        sender.write(0, &mut out);
        match self {
            Told::Part { head, part, bytes } => {
                out.push(1);
                out.extend_from_slice(&head.digest.to_bytes());
                put_u32(&mut out, head.seq);
                put_u32(&mut out, head.age_ms);
                out.extend_from_slice(&head.facts.to_be_bytes());
                out.extend_from_slice(&[head.parts, *part]);
                out.extend_from_slice(bytes);
            }
            Told::Unknown(digest) => {
                out.push(2);
                out.extend_from_slice(&digest.to_bytes());
            }
            Told::Full(digest) => {
                out.push(3);
                out.extend_from_slice(&digest.to_bytes());
            }
        }
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<(Identity, Told<'a>), Malformed> {
        let mut reader = Reader::new(bytes);
        let sender = plain(&mut reader)?;
        let code = reader.u8()?;
        let digest = reader.digest()?;
        let told = match code {
            1 => {
                let (seq, age_ms, facts) = (reader.u32()?, reader.u32()?, reader.u64()?);
                let (parts, part) = (reader.u8()?, reader.u8()?);
                if parts == 0 || usize::from(parts) > super::MAX_PARTS || part >= parts {
                    return Err(Malformed::Field("the number of a part"));
                }
                Told::Part { head: Head { digest, seq, age_ms, facts, parts }, part, bytes: reader.rest() }
            }
            2 => Told::Unknown(digest),
            3 => Told::Full(digest),
            _ => return Err(Malformed::Field("the kind of a message about figures")),
        };
        reader.end()?;
        Ok((sender, told))
    }
}

impl<'a> Question<'a> {
    pub(crate) fn write(&self, sender: &Identity) -> Vec<u8> {
        let mut out = Vec::new();
        sender.write(0, &mut out);
        match self {
            Question::Rules { digest, json } => {
                out.push(1);
                out.extend_from_slice(&digest.to_bytes());
                out.extend_from_slice(json);
            }
            Question::Facts => out.push(2),
        }
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<(Identity, Question<'a>), Malformed> {
        let mut reader = Reader::new(bytes);
        let sender = plain(&mut reader)?;
        let question = match reader.u8()? {
            1 => Question::Rules { digest: reader.digest()?, json: reader.rest() },
            2 => Question::Facts,
            _ => return Err(Malformed::Field("the kind of a question")),
        };
        reader.end()?;
        Ok((sender, question))
    }
}

impl<'a> Reply<'a> {
    pub(crate) fn write(&self, sender: &Identity) -> Vec<u8> {
        let mut out = Vec::new();
        sender.write(0, &mut out);
        match self {
            Reply::Adopted => out.push(1),
            Reply::Refused(reason) => {
                out.push(2);
                out.extend_from_slice(reason.as_bytes());
            }
            Reply::Facts { version, json } => {
                out.push(3);
                out.extend_from_slice(&version.to_be_bytes());
                out.extend_from_slice(json);
            }
        }
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<(Identity, Reply<'a>), Malformed> {
        let mut reader = Reader::new(bytes);
        let sender = plain(&mut reader)?;
        let reply = match reader.u8()? {
            1 => Reply::Adopted,
            2 => Reply::Refused(std::str::from_utf8(reader.rest()).map_err(|_| Malformed::Field("a reason that is not UTF-8"))?),
            3 => Reply::Facts { version: reader.u64()?, json: reader.rest() },
            _ => return Err(Malformed::Field("the kind of a reply")),
        };
        reader.end()?;
        Ok((sender, reply))
    }
}

#[cfg(test)]
mod tests;
