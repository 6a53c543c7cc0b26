//! The gossip library's headers and members as bytes, and a note in the directory of whom they name. Never reads past a packet.

use bytes::{Buf, BufMut};
use foca::{Header, Member, Message, State};

use super::directory::Shared;
use super::identity::Identity;
use super::wire::{Malformed, Reader, put_u16};

/// Writes and reads for the library.
#[derive(Debug)]
pub(crate) struct Codec {
    shared: Shared,
    /// What is being written: it goes out whole, or not at all.
    draft: Vec<u8>,
}

/// Why a piece was not written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("no room left in the packet")]
    NoRoom,
}

impl Codec {
    pub(crate) fn new(shared: Shared) -> Codec {
        Codec { shared, draft: Vec::new() }
    }

    fn put(&mut self, mut buf: impl BufMut) -> Result<(), CodecError> {
        if buf.remaining_mut() < self.draft.len() {
            return Err(CodecError::NoRoom);
        }
        buf.put_slice(&self.draft);
        Ok(())
    }
}

pub(crate) fn write_member(member: &Member<Identity>, more_flags: u8, out: &mut Vec<u8>) {
    let state = match member.state() {
        State::Alive => 0,
        State::Suspect => 1,
        State::Down => 2,
    };
    member.id().write(state | more_flags, out);
    put_u16(out, member.incarnation());
}

/// The member, and the flags beyond its state.
pub(crate) fn read_member(reader: &mut Reader<'_>) -> Result<(Member<Identity>, u8), Malformed> {
    let (identity, flags) = Identity::read(reader)?;
    let state = match flags & 3 {
        0 => State::Alive,
        1 => State::Suspect,
        2 => State::Down,
        _ => return Err(Malformed::Field("a member's state")),
    };
    Ok((Member::new(identity, reader.u16()?, state), flags & !3))
}

fn write_header(header: &Header<Identity>, out: &mut Vec<u8>) {
    let (code, target, probe) = match &header.message {
        Message::Ping(probe) => (1, None, Some(probe)),
        Message::Ack(probe) => (2, None, Some(probe)),
        Message::PingReq { target, probe_number } => (3, Some(target), Some(probe_number)),
        Message::IndirectPing { origin, probe_number } => (4, Some(origin), Some(probe_number)),
        Message::IndirectAck { target, probe_number } => (5, Some(target), Some(probe_number)),
        Message::ForwardedAck { origin, probe_number } => (6, Some(origin), Some(probe_number)),
        Message::Announce => (7, None, None),
        Message::Feed => (8, None, None),
        Message::Gossip => (9, None, None),
        Message::Broadcast => (10, None, None),
        Message::TurnUndead => (11, None, None),
    };
    out.push(code);
    header.src.write(0, out);
    put_u16(out, header.src_incarnation);
    header.dst.write(0, out);
    out.extend(probe);
    if let Some(target) = target {
        target.write(0, out);
    }
}

fn read_header(reader: &mut Reader<'_>) -> Result<Header<Identity>, Malformed> {
    let code = reader.u8()?;
    let src = plain(reader)?;
    let src_incarnation = reader.u16()?;
    let dst = plain(reader)?;
    let message = match code {
        1 => Message::Ping(reader.u8()?),
        2 => Message::Ack(reader.u8()?),
        3 => Message::PingReq { probe_number: reader.u8()?, target: plain(reader)? },
        4 => Message::IndirectPing { probe_number: reader.u8()?, origin: plain(reader)? },
        5 => Message::IndirectAck { probe_number: reader.u8()?, target: plain(reader)? },
        6 => Message::ForwardedAck { probe_number: reader.u8()?, origin: plain(reader)? },
        7 => Message::Announce,
        8 => Message::Feed,
        9 => Message::Gossip,
        10 => Message::Broadcast,
        11 => Message::TurnUndead,
        _ => return Err(Malformed::Field("the kind of a message")),
    };
    Ok(Header { src, src_incarnation, dst, message })
}

/// An identity without flags.
pub(crate) fn plain(reader: &mut Reader<'_>) -> Result<Identity, Malformed> {
    match Identity::read(reader)? {
        (identity, 0) => Ok(identity),
        _ => Err(Malformed::Field("the flags of an identity")),
    }
}

/// Reads one piece and moves `buf` behind it.
fn pull<T>(mut buf: impl Buf, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>) -> Result<T, Malformed> {
    let bytes = buf.chunk();
    let mut reader = Reader::new(bytes);
    let piece = read(&mut reader)?;
    let used = bytes.len() - reader.left();
    buf.advance(used);
    Ok(piece)
}

impl foca::Codec<Identity> for Codec {
    type Error = CodecError;

    fn encode_header(&mut self, header: &Header<Identity>, buf: impl BufMut) -> Result<(), CodecError> {
        self.shared.lock().own_incarnation = header.src_incarnation;
        self.draft.clear();
        write_header(header, &mut self.draft);
        self.put(buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Identity>, CodecError> {
        let header = pull(buf, read_header)?;
        let mut directory = self.shared.lock();
        let now = directory.now;
        directory.sender = Some(header.src);
        // The own id as sender is no news about the own node: somebody else may have the same.
        if header.src.id != directory.own {
            directory.meet(&header.src)?;
            directory.heard(header.src.id, now);
        }
        directory.meet(&header.dst)?;
        match header.message {
            Message::PingReq { target: other, .. } | Message::IndirectPing { origin: other, .. } => directory.meet(&other)?,
            Message::IndirectAck { target: other, .. } => directory.meet(&other)?,
            Message::ForwardedAck { origin, .. } => {
                directory.meet(&origin)?;
                directory.heard(origin.id, now);
            }
            _ => {}
        }
        Ok(header)
    }

    fn encode_member(&mut self, member: &Member<Identity>, buf: impl BufMut) -> Result<(), CodecError> {
        self.draft.clear();
        write_member(member, 0, &mut self.draft);
        self.put(buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Member<Identity>, CodecError> {
        let member = pull(buf, |reader| match read_member(reader)? {
            (member, 0) => Ok(member),
            _ => Err(Malformed::Field("the flags of a member")),
        })?;
        self.shared.lock().meet(member.id())?;
        Ok(member)
    }
}
