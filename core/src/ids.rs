//! Identities of nodes, leaderships and rounds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A node's identity: the 128 bits of its machine-id, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId([u8; 16]);

/// A text that is no node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node id must be 32 hexadecimal digits, as in /etc/machine-id")]
pub struct NodeIdError;

impl NodeId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> NodeId {
        NodeId(bytes)
    }

    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads 32 hexadecimal digits, either case, with nothing around them.
    pub fn parse(text: &str) -> Result<NodeId, NodeIdError> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NodeIdError);
        }
        u128::from_str_radix(text, 16).map(|bits| NodeId(bits.to_be_bytes())).map_err(|_| NodeIdError)
    }
}

impl TryFrom<String> for NodeId {
    type Error = NodeIdError;
    fn try_from(text: String) -> Result<NodeId, NodeIdError> {
        NodeId::parse(&text)
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> String {
        id.to_string()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One leadership. Ordered by counter, then by the leader's id, so that any two terms compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Term {
    /// Grows by one with every leadership that its leader knows of; the first is 1.
    pub counter: u64,
    /// Who leads.
    pub leader: NodeId,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.counter, self.leader)
    }
}

/// The number of a decision within a term, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Round(pub u64);

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Default)]
pub struct UnixMillis(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_round_trip() {
        let text = "77985419c732412ea38b94db00000001";
        assert_eq!(NodeId::parse(text).expect("valid").to_string(), text);
        assert_eq!(NodeId::parse(&text.to_uppercase()).expect("valid").to_string(), text);
        for bad in ["", "7798", "+7985419c732412ea38b94db00000001", "g7985419c732412ea38b94db00000001"] {
            assert_eq!(NodeId::parse(bad), Err(NodeIdError), "{bad}");
        }
    }

    #[test]
    fn terms_are_totally_ordered() {
        let term = |counter, id| Term { counter, leader: NodeId::from_bytes([id; 16]) };
        assert!(term(1, 9) < term(2, 0));
        assert!(term(2, 1) < term(2, 2));
    }
}
