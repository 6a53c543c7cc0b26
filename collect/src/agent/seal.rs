//! The outside of every packet: magic, protocol, cluster name, and the seal. Never looks at what is inside.
//!
//! ```text
//! magic 0xB7 · protocol · kind · seal (0 clear, 1 XChaCha20-Poly1305) · length and bytes of the cluster's name
//!   sealed: key id (4) · nonce (24) · ciphertext with its tag (16)        clear: the body
//! ```
//!
//! Everything before the ciphertext is associated data. The seal proves that the sender has a key of the cluster; it does not stop a
//! recorded datagram from being sent again, which can only say once more what was true then. An answer is bound to its request.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::AeadInOut;
use rand::Rng;

use super::keys::{KeyId, KeyRing};

/// Longest cluster name, in bytes: it stands in every datagram.
pub const MAX_CLUSTER_NAME: usize = 48;
/// What this version speaks; another number is refused.
pub const PROTOCOL: u8 = 1;
/// First byte of every packet, so that a stray one is told from a foreign cluster's.
const MAGIC: u8 = 0xB7;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The cluster's name: 1 to 48 ASCII letters, digits, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterName(Arc<str>);

/// A text that cannot name a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cluster's name has 1 to 48 letters, digits, `.`, `_` or `-`")]
pub struct ClusterNameError;

impl ClusterName {
    /// Checks `name`.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(name: &str) -> Result<ClusterName, ClusterNameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > MAX_CLUSTER_NAME || !name.bytes().all(allowed) {
            return Err(ClusterNameError);
        }
        Ok(ClusterName(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a packet is for. Part of what is sealed, so that none can be passed off as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gossip over UDP.
    Datagram = 0,
    /// What a node knows, sent over TCP with the wish to learn.
    Request = 1,
    /// The answer to it.
    Answer = 2,
    /// The wish to be told figures, over UDP.
    Ask = 3,
    /// Figures, or why there are none, over UDP.
    Told = 4,
    /// Queries for a member, or the wish for its machine's facts, over TCP.
    Question = 5,
    /// The answer to it.
    Reply = 6,
}

impl Kind {
    /// Whether `packet` says that it is of this kind; only [`open`] proves it.
    pub(crate) fn claimed(self, packet: &[u8]) -> bool {
        packet.get(2) == Some(&(self as u8))
    }
}

/// Why a packet was not opened. The packet was dropped, nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Sealed {
    /// No agent's packet at all.
    #[error("this is no packet of an agent: see who sends to this port")]
    Garbage,
    /// Another version.
    #[error("it speaks protocol {theirs}, this node {PROTOCOL}: bring both to one version of verwalter")]
    Protocol {
        /// Which one it speaks.
        theirs: u8,
    },
    /// Another cluster.
    #[error("it belongs to the cluster `{theirs}`, this node to `{ours}`: mend the cluster name or the seeds of one of them")]
    Cluster {
        /// Its name.
        theirs: String,
        /// The own one.
        ours: ClusterName,
    },
    /// It is in clear, and this node has keys.
    #[error("it comes in clear, this node has a cluster key: give the sender the key file")]
    Clear,
    /// It is sealed, and this node has no key.
    #[error("it is sealed with the key {key}, this node has none: give this node the key file of the cluster")]
    NoKeys {
        /// With which.
        key: KeyId,
    },
    /// It is sealed with a key that is not in the ring.
    #[error("it is sealed with the key {key}, which this node does not have: add that key on this node, or the new one on the sender")]
    UnknownKey {
        /// With which.
        key: KeyId,
    },
    /// It was changed on its way, or made without the key.
    #[error("its seal does not hold: it was changed on its way, or made by somebody without the key {key}")]
    Forged {
        /// Which key it names.
        key: KeyId,
    },
    /// It is of another kind than is expected here.
    #[error("it is a packet for another purpose: see who sends to this port")]
    Kind,
}

/// Bytes that the outside of a packet adds.
pub fn overhead(cluster: &ClusterName) -> usize {
    5 + cluster.0.len() + 4 + NONCE + TAG
}

/// Writes the outside around `body`. `bound` is sealed with it but not sent: what the packet answers.
pub(crate) fn seal(kind: Kind, cluster: &ClusterName, keys: &KeyRing, bound: &[u8], body: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut packet = Vec::with_capacity(overhead(cluster) + body.len());
    let name_len = u8::try_from(cluster.0.len()).expect("a cluster's name has at most 48 bytes");
    packet.extend_from_slice(&[MAGIC, PROTOCOL, kind as u8, u8::from(!keys.is_empty()), name_len]);
    packet.extend_from_slice(cluster.0.as_bytes());
    let Some(key) = keys.sealing() else {
        packet.extend_from_slice(body);
        return packet;
    };
    packet.extend_from_slice(&key.id.0);
    // 24 random bytes never meet again, so the nodes need not agree on a counter.
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    packet.extend_from_slice(&nonce);
    let header = packet.len();
    packet.extend_from_slice(body);
    let associated = [&packet[..header], bound].concat();
    let tag = key
        .cipher
        .encrypt_inout_detached((&nonce).into(), &associated, (&mut packet[header..]).into())
        .expect("the cipher takes any body below 256 GiB");
    packet.extend_from_slice(&tag);
    packet
}

/// Checks the outside of `packet` and returns what is inside. `bound` as for [`seal`].
pub(crate) fn open(kind: Kind, cluster: &ClusterName, keys: &KeyRing, bound: &[u8], packet: &[u8]) -> Result<Vec<u8>, Sealed> {
    let (&[magic, protocol, their_kind, sealed, name_len], rest) = packet.split_first_chunk::<5>().ok_or(Sealed::Garbage)?;
    if magic != MAGIC || sealed > 1 {
        return Err(Sealed::Garbage);
    }
    if protocol != PROTOCOL {
        return Err(Sealed::Protocol { theirs: protocol });
    }
    let (name, rest) = rest.split_at_checked(usize::from(name_len)).ok_or(Sealed::Garbage)?;
    if name != cluster.0.as_bytes() {
        let theirs = std::str::from_utf8(name).ok().and_then(|name| ClusterName::new(name).ok()).ok_or(Sealed::Garbage)?;
        return Err(Sealed::Cluster { theirs: theirs.0.as_ref().to_owned(), ours: cluster.clone() });
    }
    if sealed == 0 {
        if !keys.is_empty() {
            return Err(Sealed::Clear);
        }
        return if their_kind == kind as u8 { Ok(rest.to_vec()) } else { Err(Sealed::Kind) };
    }
    let (&key, rest) = rest.split_first_chunk::<4>().ok_or(Sealed::Garbage)?;
    let key = KeyId(key);
    if keys.is_empty() {
        return Err(Sealed::NoKeys { key });
    }
    let cipher = &keys.get(key).ok_or(Sealed::UnknownKey { key })?.cipher;
    if their_kind != kind as u8 {
        return Err(Sealed::Kind);
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Sealed::Garbage)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Sealed::Garbage)?;
    let associated = [&packet[..packet.len() - rest.len()], bound].concat();
    let mut body = body.to_vec();
    cipher.decrypt_inout_detached(nonce.into(), &associated, body.as_mut_slice().into(), tag.into()).map_err(|_| Sealed::Forged { key })?;
    Ok(body)
}

#[cfg(test)]
mod tests;
