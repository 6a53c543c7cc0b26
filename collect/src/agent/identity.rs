//! Who a member is: the node, where it answers, and which of its lives this is. Never reads a clock.

use std::net::SocketAddr;

use verwalter_core::ids::NodeId;

use super::wire::{Malformed, Reader, put_addr, put_id, put_u48};

/// Greatest generation: six bytes of milliseconds.
pub(crate) const MAX_GENERATION: u64 = (1 << 48) - 1;

/// One life of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Which node.
    pub id: NodeId,
    /// Grows with every life: the time of the start in milliseconds, plus one for each time that the node was buried while it lived.
    /// 48 bits count.
    pub generation: u64,
    /// Where its agent answers, UDP and TCP.
    pub addr: SocketAddr,
}

impl Identity {
    /// The identity with its generation cut to what packets carry, and the address in the form that peers compare.
    pub fn new(id: NodeId, generation: u64, addr: SocketAddr) -> Identity {
        // Scope and flow of an IPv6 address mean something on one machine only.
        Identity { id, generation: generation.min(MAX_GENERATION), addr: SocketAddr::new(addr.ip().to_canonical(), addr.port()) }
    }

    /// 29 bytes with IPv4, 41 with IPv6; two bits of `flags`, which come back beside it.
    pub(crate) fn write(&self, flags: u8, out: &mut Vec<u8>) {
        out.push(u8::from(self.addr.is_ipv6()) | (flags << 1));
        put_id(out, self.id);
        put_u48(out, self.generation);
        put_addr(out, self.addr);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<(Identity, u8), Malformed> {
        let first = reader.u8()?;
        let id = reader.id()?;
        let generation = reader.u48()?;
        let addr = reader.addr(first & 1 == 1)?;
        if addr.port() == 0 || addr.ip().is_unspecified() || addr.ip().is_multicast() {
            return Err(Malformed::Field("an address where nobody can be reached"));
        }
        Ok((Identity::new(id, generation, addr), first >> 1))
    }
}

impl foca::Identity for Identity {
    type Addr = NodeId;

    /// Never by the library: the machine renews itself, with a back-off, so that two nodes with one id cannot bury each other without end.
    fn renew(&self) -> Option<Identity> {
        None
    }

    fn addr(&self) -> NodeId {
        self.id
    }

    fn win_addr_conflict(&self, adversary: &Identity) -> bool {
        // The address only so that any two compare the same way everywhere.
        (self.generation, self.addr) > (adversary.generation, adversary.addr)
    }
}
