//! Reading and writing numbers, addresses and short texts of the agent's packets, big-endian. Never reads past the end, never panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use verwalter_core::digest::Digest;
use verwalter_core::ids::NodeId;

/// A packet that is not what its header says. Nothing of it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends early.
    #[error("ends before all of its fields")]
    Short,
    /// A field has a value that no version of this agent writes.
    #[error("has a field that no agent of this protocol writes: {0}")]
    Field(&'static str),
    /// There is something behind the last field.
    #[error("goes on behind its last field")]
    Trailing,
    /// The node already knows as many others as it keeps.
    #[error("names a node beyond the {} that this node keeps: start a second cluster", super::MAX_MEMBERS)]
    Full,
}

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// Six bytes: milliseconds since 1970 until the year 10889.
    pub(crate) fn u48(&mut self) -> Result<u64, Malformed> {
        let [a, b, c, d, e, f] = self.array()?;
        Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, Malformed> {
        self.array().map(Digest::from_bytes)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn id(&mut self) -> Result<NodeId, Malformed> {
        self.array().map(NodeId::from_bytes)
    }

    /// A length byte and that many bytes of UTF-8.
    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.u8()?;
        std::str::from_utf8(self.take(usize::from(len))?).map_err(|_| Malformed::Field("a text that is not UTF-8"))
    }

    /// An address of the given family.
    pub(crate) fn addr(&mut self, v6: bool) -> Result<SocketAddr, Malformed> {
        let ip: IpAddr = if v6 { Ipv6Addr::from(self.array::<16>()?).into() } else { Ipv4Addr::from(self.array::<4>()?).into() };
        Ok(SocketAddr::new(ip, self.u16()?))
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// The lower six bytes.
pub(crate) fn put_u48(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes()[2..]);
}

/// The 16 bytes of `id`.
pub(crate) fn put_id(out: &mut Vec<u8>, id: NodeId) {
    out.extend_from_slice(&id.to_bytes());
}

/// A length byte and the text, which its caller has kept to 255 bytes; what is beyond is cut off at a character.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(usize::from(u8::MAX))];
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

/// The address without its family, which the caller notes.
pub(crate) fn put_addr(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    put_u16(out, addr.port());
}
